//! Redis and memcached, each as a process of its own behind a socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::resident::Process;
use crate::subject::{KEY_BYTES, Subject};

/// Commands are sent so many bytes at a time; their answers, which are short, are read after that.
const BATCH_BYTES: usize = 64 << 10;
/// A server that does not listen after so many tries of 10 ms each will not.
const TRIES: u32 = 1_000;

/// The servers measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerKind {
    /// Redis: its own protocol, everything in memory, nothing saved.
    Redis,
    /// memcached: its text protocol, with more memory allowed than any workload needs.
    Memcached,
}

impl ServerKind {
    /// All of them.
    pub const ALL: [ServerKind; 2] = [ServerKind::Redis, ServerKind::Memcached];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            ServerKind::Redis => "redis",
            ServerKind::Memcached => "memcached",
        }
    }

    /// Its program, as Debian's packages of these names install it.
    pub fn program(self) -> &'static str {
        match self {
            ServerKind::Redis => "redis-server",
            ServerKind::Memcached => "memcached",
        }
    }

    fn arguments(self, socket: &str) -> Vec<&str> {
        match self {
            ServerKind::Redis => {
                vec!["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
            }
            // Never evicts: with less memory it would be another kind of peer, a cache.
            ServerKind::Memcached => {
                vec!["-u", "nobody", "-s", socket, "-a", "0777", "-M", "-m", "65536", "-t", "1"]
            }
        }
    }

    /// Appends the command that stores an object.
    fn write_put(self, key: &[u8], value: &[u8], into: &mut Vec<u8>) {
        let head = match self {
            ServerKind::Redis => format!("*3\r\n$3\r\nSET\r\n${}\r\n", key.len()),
            ServerKind::Memcached => "set ".to_owned(),
        };
        into.extend_from_slice(head.as_bytes());
        into.extend_from_slice(key);
        let middle = match self {
            ServerKind::Redis => format!("\r\n${}\r\n", value.len()),
            ServerKind::Memcached => format!(" 0 0 {}\r\n", value.len()),
        };
        into.extend_from_slice(middle.as_bytes());
        into.extend_from_slice(value);
        into.extend_from_slice(b"\r\n");
    }

    /// Appends the command that removes an object.
    fn write_remove(self, key: &[u8], into: &mut Vec<u8>) {
        let head = match self {
            ServerKind::Redis => format!("*2\r\n$3\r\nDEL\r\n${}\r\n", key.len()),
            ServerKind::Memcached => "delete ".to_owned(),
        };
        into.extend_from_slice(head.as_bytes());
        into.extend_from_slice(key);
        into.extend_from_slice(b"\r\n");
    }

    /// Whether an answer, without the end of its line, says that a command was carried out.
    fn is_success(self, answer: &[u8]) -> bool {
        match self {
            ServerKind::Redis => matches!(answer, b"+OK" | b":1"),
            ServerKind::Memcached => matches!(answer, b"STORED" | b"DELETED"),
        }
    }
}

/// A server that runs as long as this lives, and the connection to it.
pub(crate) struct Server {
    kind: ServerKind,
    process: Child,
    folder: PathBuf,
    connection: BufReader<UnixStream>,
    batch: Vec<u8>,
    awaited: usize,
}

impl Server {
    pub(crate) fn start(kind: ServerKind) -> Outcome<Server> {
        let folder =
            std::env::temp_dir().join(format!("stroma-bench-{}-{}", kind.word(), std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let socket = folder.join("socket");
        let name = socket.to_str().ok_or("the folder for temporary files has no name in UTF-8")?;
        let mut command = Command::new(kind.program());
        command.args(kind.arguments(name)).stdout(Stdio::null()).stderr(Stdio::null());
        if kind == ServerKind::Memcached {
            // It gives its rights up before it makes the socket.
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777))?;
        }
        let mut process = command.spawn()?;
        let connection = match connect(&socket) {
            Ok(connection) => BufReader::new(connection),
            Err(failure) => {
                process.kill()?;
                process.wait()?;
                std::fs::remove_dir_all(&folder)?;
                return Err(failure);
            }
        };
        Ok(Server { kind, process, folder, connection, batch: Vec::new(), awaited: 0 })
    }

    /// The process whose memory counts.
    pub(crate) fn process(&self) -> Process {
        Process::other(self.process.id())
    }

    fn sent(&mut self) -> Outcome {
        self.awaited += 1;
        if self.batch.len() < BATCH_BYTES { Ok(()) } else { self.settle() }
    }

    /// Sends what is not sent yet and waits for every answer.
    fn settle(&mut self) -> Outcome {
        self.connection.get_mut().write_all(&self.batch)?;
        self.batch.clear();
        let mut answer = Vec::new();
        while self.awaited > 0 {
            answer.clear();
            self.connection.read_until(b'\n', &mut answer)?;
            if !self.kind.is_success(answer.trim_ascii_end()) {
                let told = String::from_utf8_lossy(&answer).into_owned();
                return Err(format!("{} answered `{}`", self.kind.program(), told.trim()).into());
            }
            self.awaited -= 1;
        }
        Ok(())
    }
}

fn connect(socket: &Path) -> Outcome<UnixStream> {
    let mut tries = 0;
    loop {
        match UnixStream::connect(socket) {
            Ok(connection) => return Ok(connection),
            Err(failure) if tries == TRIES => return Err(failure.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
        tries += 1;
    }
}

/// Eight letters and digits for a number below 2^48: memcached's text protocol takes no other bytes.
fn printable(key: u64) -> [u8; KEY_BYTES] {
    const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";
    std::array::from_fn(|place| DIGITS[(key >> (6 * place)) as usize % 64])
}

impl Subject for Server {
    type Handle = u64;

    fn put(&mut self, key: u64, bytes: &[u8]) -> Outcome<u64> {
        self.kind.write_put(&printable(key), &bytes[KEY_BYTES..], &mut self.batch);
        self.sent()?;
        Ok(key)
    }

    fn remove(&mut self, key: u64) -> Outcome {
        self.kind.write_remove(&printable(key), &mut self.batch);
        self.sent()
    }

    fn finish(&mut self) -> Outcome {
        self.settle()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is left of it does no harm to what was measured.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
