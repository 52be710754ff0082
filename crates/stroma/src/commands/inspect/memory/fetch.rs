//! One HTTP request to a server on the local network: enough of HTTP/1 for a page of known size, no more.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::failure::{Failure, Result};

/// The port that `stroma serve` takes when it is not told another.
const DEFAULT_PORT: u16 = 28017;
/// How long to wait for the server, at each step.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read: a map of a million segments.
const LONGEST_ANSWER: u64 = 128 << 20;

/// Where a server's HTTP port is.
#[derive(Debug, PartialEq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `http://HOST:PORT`, with or without the scheme, the port, and a path, which is not looked at.
    pub(super) fn parse(url: &str) -> Result<Address> {
        let refuse = |hint: &str| Failure::Usage {
            what: format!("`{url}` is no address of a server's HTTP port"),
            hint: hint.to_owned(),
        };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("mongodb", _)) => {
                return Err(refuse("drivers use that port; `stroma serve` names the other one, for HTTP"));
            }
            Some(_) => return Err(refuse("say http://HOST:PORT")),
            None => url,
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        // An address of version 6 is in brackets, for it holds colons itself.
        let end = if authority.starts_with('[') { authority.find(']').map_or(0, |at| at + 1) } else { 0 };
        let colon = authority[end..].rfind(':').map(|at| end + at);
        let (host, port) = match colon {
            Some(at) => (&authority[..at], authority[at + 1..].parse().ok()),
            None => (authority, Some(DEFAULT_PORT)),
        };
        match port {
            Some(port) if !host.is_empty() && !host.contains(char::is_whitespace) => {
                Ok(Address { host: host.to_owned(), port })
            }
            _ => Err(refuse("say http://HOST:PORT, such as http://127.0.0.1:28017")),
        }
    }

    /// Why asking this server came to nothing.
    pub(super) fn failure(&self, what: impl Into<String>) -> Failure {
        Failure::Unanswered { address: self.to_string(), what: what.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}:{}", self.host, self.port)
    }
}

/// The body of the page `path`.
pub(super) fn fetch(address: &Address, path: &str) -> Result<String> {
    let answer = ask(address, path).map_err(|source| match source.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            address.failure("nobody listens there; `stroma serve` prints the address of its HTTP port")
        }
        _ => address.failure(source.to_string()),
    })?;
    match split_answer(&answer) {
        Some((200, body)) => Ok(body.to_owned()),
        Some((status, body)) => {
            let told: String = body.trim().chars().take(200).collect();
            Err(address.failure(format!("it answered with status {status}: {told}")))
        }
        None => Err(address.failure("what answers there does not speak HTTP, or broke off")),
    }
}

fn ask(address: &Address, path: &str) -> std::io::Result<String> {
    let host = address.host.trim_start_matches('[').trim_end_matches(']');
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for place in (host, address.port).to_socket_addrs()? {
        let mut stream = match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(stream) => stream,
            Err(error) => {
                last = error;
                continue;
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let host = &address.host;
        // In one piece, for whoever does not wait for the end of it.
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
        return String::from_utf8(answer)
            .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "its answer is no text"));
    }
    Err(last)
}

/// Status and body of an answer that came whole.
fn split_answer(answer: &str) -> Option<(u16, &str)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    (length? == body.len()).then_some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (url, host, port) in [
            ("http://127.0.0.1:28017", "127.0.0.1", 28017),
            ("http://127.0.0.1:9/memory?x=1", "127.0.0.1", 9),
            ("db.example", "db.example", DEFAULT_PORT),
            ("http://[::1]:80/", "[::1]", 80),
            ("http://[::1]", "[::1]", DEFAULT_PORT),
        ] {
            assert_eq!(Address::parse(url).unwrap(), Address { host: host.to_owned(), port }, "{url}");
        }
        for url in ["", "http://", "https://a", "mongodb://a:27017", "a:port", "http://a:70000", ":80"] {
            assert!(matches!(Address::parse(url), Err(Failure::Usage { .. })), "{url}");
        }
    }

    #[test]
    fn an_answer_is_whole_or_none() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(split_answer(whole), Some((200, "abc")));
        for end in 0..whole.len() {
            assert_eq!(split_answer(&whole[..end]), None);
        }
        assert_eq!(split_answer("SSH-2.0-OpenSSH\r\n"), None);
    }
}
