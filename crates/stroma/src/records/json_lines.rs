//! JSON lines as documents: one object a line, in MongoDB's extended JSON, blank lines passed over.

use std::io::{BufRead, BufReader, Read};

use bson::{Bson, Document};

use crate::failure::{Failure, Result};

/// A line may be at most this long; a document has at most 16 MiB, its JSON a few times that.
const LONGEST_LINE: u64 = 128 << 20;

/// Reads one document a line. An error names the file and the line.
pub(crate) fn read_lines(input: impl Read, name: String) -> impl Iterator<Item = Result<Document>> {
    let mut reader = BufReader::with_capacity(1 << 16, input);
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            number += 1;
            match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => return Some(parse_line(&line, &name, number)),
                Err(source) => {
                    return Some(Err(Failure::File { action: "read", path: name.clone().into(), source }));
                }
            }
        }
    })
}

fn parse_line(line: &[u8], name: &str, number: u64) -> Result<Document> {
    let failure = |what: String| Failure::Records { file: name.to_owned(), line: number, what };
    if line.len() as u64 == LONGEST_LINE {
        return Err(failure(format!(
            "longer than {LONGEST_LINE} bytes: is it JSON lines, one document a line?"
        )));
    }
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| failure(format!("not a JSON document: {error}")))?;
    match Bson::try_from(value) {
        Ok(Bson::Document(document)) => Ok(document),
        Ok(other) => Err(failure(format!("a document is wanted, this is {other:?}"))),
        Err(error) => Err(failure(format!("not MongoDB's extended JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::read_lines;

    #[test]
    fn lines_become_documents_in_extended_json() {
        let text = b"{\"a\": 1}\n\n{\"when\": {\"$date\": \"1970-01-01T00:00:01Z\"}}";
        let documents: Vec<_> = read_lines(&text[..], "t.jsonl".into()).map(Result::unwrap).collect();
        assert_eq!(documents, [doc! {"a": 1}, doc! {"when": bson::DateTime::from_millis(1000)}]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for text in ["{\"a\": 1}\n{\"a\": ", "{\"a\": 1}\n[1]", "{\"a\": 1}\n{\"$date\": \"x\"}"] {
            let error =
                read_lines(text.as_bytes(), "t.jsonl".into()).nth(1).unwrap().unwrap_err().to_string();
            assert!(error.contains("t.jsonl") && error.contains("line 2"), "{error}");
        }
    }
}
