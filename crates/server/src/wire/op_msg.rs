//! `OP_MSG`, the message of every driver since 2017: flags, a document, sequences of documents beside it.

use bson::{Bson, Document, RawDocument};

use super::header::HEADER_BYTES;
use super::{Header, WireError};

/// Number of the operation.
pub(crate) const OPCODE: i32 = 2013;

/// A CRC-32C of the message follows its sections.
const CHECKSUM_PRESENT: u32 = 1;
/// The sender wants no reply.
const MORE_TO_COME: u32 = 1 << 1;
/// Bits 0 to 15 must be understood; the rest may be ignored.
const REQUIRED: u32 = 0xffff;

/// A command with the document sequences put back into it as arrays.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) document: Document,
    pub(crate) wants_reply: bool,
}

/// Reads the body of an `OP_MSG`.
///
/// A checksum is passed over: the connection is reliable, and MongoDB's own server ignores it under TLS.
pub(crate) fn parse(body: &[u8]) -> Result<Command, WireError> {
    let flags = body.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    let flags = flags.ok_or(WireError::Malformed { offset: 0, what: "no room for flags" })?;
    if flags & REQUIRED & !(CHECKSUM_PRESENT | MORE_TO_COME) != 0 {
        return Err(WireError::Malformed { offset: 0, what: "a required flag that is not known" });
    }
    let end = body.len() - if flags & CHECKSUM_PRESENT != 0 { 4 } else { 0 };
    let mut document = None;
    let mut sequences = Vec::new();
    let mut at = 4;
    while at < end {
        let kind = body[at];
        at += 1;
        match kind {
            0 if document.is_none() => {
                let (parsed, next) = read_document(body, at, end)?;
                document = Some(parsed);
                at = next;
            }
            0 => return Err(WireError::Malformed { offset: at - 1, what: "a second body section" }),
            1 => {
                let (name, documents, next) = read_sequence(body, at, end)?;
                sequences.push((name, documents));
                at = next;
            }
            _ => return Err(WireError::Malformed { offset: at - 1, what: "a section of unknown kind" }),
        }
    }
    let mut document = document.ok_or(WireError::Malformed { offset: 4, what: "no body section" })?;
    for (name, documents) in sequences {
        if document.contains_key(&name) {
            return Err(WireError::Malformed {
                offset: 4,
                what: "a document sequence named like a field of the body",
            });
        }
        document.insert(name, Bson::Array(documents));
    }
    Ok(Command { document, wants_reply: flags & MORE_TO_COME == 0 })
}

/// A reply as the bytes of a whole message.
pub(crate) fn reply(
    document: &Document,
    request_id: i32,
    response_to: i32,
) -> Result<Vec<u8>, bson::error::Error> {
    // No flags, one section: the body.
    message(Header { length: 0, request_id, response_to, opcode: OPCODE }, &[0; 5], document)
}

/// The bytes of a message: its head with the length filled in, what stands before the document, the document.
pub(super) fn message(
    mut header: Header,
    before: &[u8],
    document: &Document,
) -> Result<Vec<u8>, bson::error::Error> {
    let bytes = document.to_vec()?;
    header.length = HEADER_BYTES + before.len() + bytes.len();
    Ok([&header.to_bytes(), before, &bytes].concat())
}

/// Reads the document that begins at `at` and must end by `end`; returns where it ends.
pub(super) fn read_document(body: &[u8], at: usize, end: usize) -> Result<(Document, usize), WireError> {
    let rest = body.get(at..end).unwrap_or_default();
    let length = rest.first_chunk::<4>().map(|bytes| i32::from_le_bytes(*bytes));
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let bytes = rest.get(..length).filter(|bytes| bytes.len() >= 5);
    let bytes =
        bytes.ok_or(WireError::Malformed { offset: at, what: "a document that does not fit the message" })?;
    let failure = |source| WireError::Bson { offset: at, source: Box::new(source) };
    if nesting_exceeds(bytes, DEEPEST_NESTING) {
        return Err(WireError::Malformed { offset: at, what: "documents nested too deep" });
    }
    let raw = RawDocument::from_bytes(bytes).map_err(failure)?;
    let document = Document::try_from(raw).map_err(failure)?;
    Ok((document, at + length))
}

/// Reads a sequence of documents: its length, its name, its documents.
fn read_sequence(body: &[u8], at: usize, end: usize) -> Result<(String, Vec<Bson>, usize), WireError> {
    let malformed = |what| WireError::Malformed { offset: at, what };
    let length = body.get(at..end).and_then(<[u8]>::first_chunk::<4>).map(|bytes| i32::from_le_bytes(*bytes));
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= end - at);
    let sequence_end = at + length.ok_or(malformed("a document sequence that does not fit the message"))?;
    let name_start = at + 4;
    let name = body.get(name_start..sequence_end).unwrap_or_default();
    let name_length =
        name.iter().position(|byte| *byte == 0).ok_or(malformed("a sequence name without its end"))?;
    let name = std::str::from_utf8(&name[..name_length])
        .map_err(|_| malformed("a sequence name that is not UTF-8"))?;
    let mut documents = Vec::new();
    let mut next = name_start + name_length + 1;
    while next < sequence_end {
        let (document, after) = read_document(body, next, sequence_end)?;
        documents.push(Bson::Document(document));
        next = after;
    }
    Ok((name.to_owned(), documents, sequence_end))
}

/// Documents may be nested this deep on the wire; deeper ones would be refused by every command anyway.
const DEEPEST_NESTING: usize = 200;

/// Whether the BSON nests deeper than `most`, told in one pass without recursion. Malformed bytes end the
/// pass: the parser that follows names what is wrong.
fn nesting_exceeds(bytes: &[u8], most: usize) -> bool {
    let mut ends = vec![bytes.len()];
    let mut at = 4;
    while let Some(&end) = ends.last() {
        let Some(&kind) = bytes.get(at) else { return false };
        if at >= end || kind == 0 {
            ends.pop();
            at = end;
            continue;
        }
        let Some(name_length) = bytes[at + 1..].iter().position(|byte| *byte == 0) else { return false };
        let value = at + 1 + name_length + 1;
        let length_at = |at: usize| {
            let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>)?;
            usize::try_from(i32::from_le_bytes(*bytes)).ok()
        };
        let size = match kind {
            0x01 | 0x09 | 0x11 | 0x12 => Some(8),
            0x02 | 0x0d | 0x0e => length_at(value).map(|length| length + 4),
            0x03 | 0x04 => {
                let Some(length) = length_at(value).filter(|length| *length >= 5) else { return false };
                if ends.len() >= most {
                    return true;
                }
                ends.push((value + length).min(end));
                at = value + 4;
                continue;
            }
            // Code with its scope: the length of both, the code, and the scope, a document.
            0x0f => {
                let (Some(whole), Some(code)) = (length_at(value), length_at(value + 4)) else {
                    return false;
                };
                if ends.len() >= most {
                    return true;
                }
                ends.push((value + whole).min(end));
                at = value + 8 + code + 4;
                continue;
            }
            0x05 => length_at(value).map(|length| length + 5),
            0x06 | 0x0a | 0x7f | 0xff => Some(0),
            0x07 => Some(12),
            0x08 => Some(1),
            0x0b => {
                let rest = bytes.get(value..).unwrap_or_default();
                let mut zeros = rest.iter().enumerate().filter(|(_, byte)| **byte == 0);
                zeros.nth(1).map(|(index, _)| index + 1)
            }
            0x0c => length_at(value).map(|length| length + 16),
            0x10 => Some(4),
            0x13 => Some(16),
            _ => None,
        };
        match size {
            Some(size) => at = value + size,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use bson::{Document, JavaScriptCodeWithScope, doc};

    use super::{nesting_exceeds, parse, reply};

    fn body(sections: &[u8]) -> Vec<u8> {
        [&0_u32.to_le_bytes()[..], sections].concat()
    }

    #[test]
    fn a_reply_reads_back_as_a_command() {
        let document = doc! {"ok": 1.0, "x": {"y": [1, 2, {"z": null}]}};
        let message = reply(&document, 1, 2).unwrap();
        assert_eq!(parse(&message[16..]).unwrap().document, document);
    }

    #[test]
    fn a_sequence_becomes_an_array() {
        let one = doc! {"insert": "a"}.to_vec().unwrap();
        let two = doc! {"x": 1}.to_vec().unwrap();
        let name = b"documents\0";
        let length = (4 + name.len() + 2 * two.len()) as i32;
        let sections = [&[0][..], &one, &[1], &length.to_le_bytes(), name, &two, &two].concat();
        let command = parse(&body(&sections)).unwrap();
        assert_eq!(command.document, doc! {"insert": "a", "documents": [{"x": 1}, {"x": 1}]});
        assert!(command.wants_reply);
    }

    #[test]
    fn cut_and_forged_messages_are_errors() {
        let one = doc! {"ping": 1, "deep": {"a": [1, "two", 3.0]}}.to_vec().unwrap();
        let whole = body(&[&[0][..], &one].concat());
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "cut at {length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut forged = whole.clone();
                forged[at] ^= 1 << bit;
                let _ = parse(&forged);
            }
        }
    }

    #[test]
    fn deep_nesting_is_seen_without_recursion() {
        let mut document = Document::new();
        for _ in 0..100 {
            document = doc! {"a": document};
        }
        let bytes = document.to_vec().unwrap();
        assert!(nesting_exceeds(&bytes, 100));
        assert!(!nesting_exceeds(&bytes, 101));
    }

    #[test]
    fn nesting_in_the_scope_of_code_is_seen_too() {
        let mut scope = Document::new();
        for _ in 0..50 {
            scope = doc! {"a": JavaScriptCodeWithScope { code: "f".to_owned(), scope }};
        }
        let bytes = doc! {"first": "x", "deep": scope, "last": 1}.to_vec().unwrap();
        assert!(nesting_exceeds(&bytes, 51));
        assert!(!nesting_exceeds(&bytes, 52));
    }
}
