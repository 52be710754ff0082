//! JSON lines: one object for each query, with its hits in an array.

use std::io::{self, Write};

use super::ResultWriter;
use crate::search::{Outcome, QueryResult};

/// Writes each result as one JSON object on a line of its own.
///
/// Members: `query`, `length` (bases), `kmers` (distinct), `status` (`hits`, `too-short` or `no-kmers`), and for
/// `hits`: `needed` (k-mers that a hit must have) and `hits`, each with `sample`, `found` and `share`, and where they
/// were asked for `abundance` (mean of the k-mers found) and `positions` (pairs: where k-mers found begin in the query,
/// from 0, and where that stretch ends, excluded); for `too-short`: `k`.
#[derive(Debug)]
pub struct JsonLinesWriter<W> {
    out: W,
}

impl<W: Write> JsonLinesWriter<W> {
    /// Onto `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        JsonLinesWriter { out }
    }
}

impl<W: Write> ResultWriter for JsonLinesWriter<W> {
    fn write(&mut self, result: &QueryResult) -> io::Result<()> {
        self.out.write_all(b"{\"query\":")?;
        write_string(&mut self.out, &result.name)?;
        write!(self.out, ",\"length\":{},\"kmers\":{},\"status\":", result.length, result.kmers)?;
        match &result.outcome {
            Outcome::TooShort { k, .. } => write!(self.out, "\"too-short\",\"k\":{k}")?,
            Outcome::NoKmers => self.out.write_all(b"\"no-kmers\"")?,
            Outcome::Hits(hits) => {
                write!(self.out, "\"hits\",\"needed\":{},\"hits\":[", result.needed)?;
                for (position, hit) in hits.iter().enumerate() {
                    self.out.write_all(if position == 0 { b"{\"sample\":" } else { b",{\"sample\":" })?;
                    write_string(&mut self.out, &hit.sample)?;
                    write!(self.out, ",\"found\":{},\"share\":{}", hit.found, hit.share)?;
                    if let Some(abundance) = hit.abundance {
                        write!(self.out, ",\"abundance\":{abundance}")?;
                    }
                    if let Some(positions) = &hit.positions {
                        self.out.write_all(b",\"positions\":[")?;
                        for (position, stretch) in positions.iter().enumerate() {
                            let comma = if position == 0 { "" } else { "," };
                            write!(self.out, "{comma}[{},{}]", stretch.start, stretch.end)?;
                        }
                        self.out.write_all(b"]")?;
                    }
                    self.out.write_all(b"}")?;
                }
                self.out.write_all(b"]")?;
            }
        }
        self.out.write_all(b"}\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A JSON string (RFC 8259, section 7): quotation mark, backslash and control characters are escaped.
fn write_string(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.write_all(&text.as_bytes()[plain..at])?;
        match byte {
            b'"' | b'\\' => out.write_all(&[b'\\', byte])?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
        plain = at + 1;
    }
    out.write_all(&text.as_bytes()[plain..])?;
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    #[test]
    fn one_object_a_query() {
        let mut writer = JsonLinesWriter::new(Vec::new());
        examples().iter().for_each(|result| writer.write(result).expect("memory"));
        writer.finish().expect("memory");
        let expected = concat!(
            r#"{"query":"q1","length":40,"kmers":3,"status":"hits","needed":1,"hits":["#,
            r#"{"sample":"a \"b\"","found":3,"share":1},"#,
            r#"{"sample":"c","found":2,"share":0.6666666666666666}]}"#,
            "\n",
            r#"{"query":"q\t2","length":31,"kmers":1,"status":"hits","needed":1,"hits":[]}"#,
            "\n",
            r#"{"query":"q3","length":7,"kmers":0,"status":"too-short","k":31}"#,
            "\n",
            r#"{"query":"q4","length":70,"kmers":0,"status":"no-kmers"}"#,
            "\n",
            r#"{"query":"q5","length":50,"kmers":20,"status":"hits","needed":1,"hits":["#,
            r#"{"sample":"d","found":9,"share":0.45,"abundance":2.5,"positions":[[0,8],[19,20]]}]}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(writer.out).expect("UTF-8"), expected);
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        write_string(&mut out, "a\u{1}\\é\n").expect("memory");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), "\"a\\u0001\\\\é\\n\"");
    }
}
