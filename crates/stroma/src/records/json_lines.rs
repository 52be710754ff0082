//! JSON lines as documents: one object a line, in MongoDB's extended JSON, blank lines passed over.

use std::io::{BufRead, BufReader, Read};

use bson::{Bson, Document};

use crate::failure::{Failure, Result};

/// A line may be at most this long; a document has at most 16 MiB, its JSON a few times that.
const LONGEST_LINE: u64 = 128 << 20;

/// UTF-8's byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads one document a line. An error names the file and the line.
pub(crate) fn read_lines(input: impl Read, name: String) -> impl Iterator<Item = Result<Document>> {
    let mut reader = BufReader::with_capacity(1 << 16, input);
    let mut number: u64 = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            number += 1;
            match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                // Some editors begin a file with a mark of its encoding.
                Ok(_) if number == 1 && line.starts_with(BYTE_ORDER_MARK) => {
                    line.drain(..BYTE_ORDER_MARK.len());
                    if !line.trim_ascii().is_empty() {
                        return Some(parse_line(&line, &name, number));
                    }
                }
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => return Some(parse_line(&line, &name, number)),
                Err(source) => {
                    return Some(Err(Failure::File { action: "read", path: name.clone().into(), source }));
                }
            }
        }
    })
}

/// What to do with JSON that is not one document a line.
const ONE_A_LINE: &str = "each line must hold one whole document (`jq -c '.[]?'` makes such lines of an array, \
                          `jq -c .` of indented JSON)";

/// What is wrong with the line, and where in it.
fn why(error: &serde_json::Error) -> String {
    if error.is_eof() {
        format!("the line ends within it; {ONE_A_LINE}")
    } else {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        format!("{what} at column {}", error.column())
    }
}

fn parse_line(line: &[u8], name: &str, number: u64) -> Result<Document> {
    let failure = |what: String| Failure::Records { file: name.to_owned(), line: number, what };
    if line.len() as u64 == LONGEST_LINE {
        return Err(failure(format!(
            "longer than {LONGEST_LINE} bytes: is it JSON lines, one document a line?"
        )));
    }
    let value: serde_json::Value = serde_json::from_slice(line)
        .map_err(|error| failure(format!("not a JSON document: {}", why(&error))))?;
    match Bson::try_from(value) {
        Ok(Bson::Document(document)) => Ok(document),
        Ok(Bson::Array(_)) => Err(failure(format!("a document is wanted, this is an array: {ONE_A_LINE}"))),
        Ok(other) => {
            Err(failure(format!("a document is wanted, this is of type {:?}", other.element_type())))
        }
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
    fn a_byte_order_mark_and_other_line_ends_are_no_part_of_a_document() {
        let text = b"\xef\xbb\xbf{\"a\": 1}\r\n{\"a\": 2}\r\n";
        let documents: Vec<_> = read_lines(&text[..], "t.jsonl".into()).map(Result::unwrap).collect();
        assert_eq!(documents, [doc! {"a": 1}, doc! {"a": 2}]);
    }

    #[test]
    fn an_array_and_indented_json_are_told_what_is_wanted() {
        for text in ["[{\"a\": 1}]\n", "{\n\"a\": 1\n}\n"] {
            let error = read_lines(text.as_bytes(), "t".into()).next().unwrap().unwrap_err().to_string();
            assert!(error.contains("one whole document"), "{error}");
        }
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
