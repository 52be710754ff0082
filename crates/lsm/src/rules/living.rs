//! Puts and operands of keyspaces whose entries expire: they get their time when they are committed.

use super::Resolver;
use crate::entry::{Marked, NEVER, Timestamp};
use crate::log::Operation;

/// The encoded operations, puts and operands of keyspaces with a time to live made such that expire; `now` is their
/// time. `None` if there are none of these.
pub(crate) fn with_expiries(payload: &[u8], resolver: &Resolver, now: Timestamp) -> Option<Vec<u8>> {
    Operation::marked(payload, |operation, marked| {
        let (key, content) = lasting(operation)?;
        content.until(resolver.rules().of(key)?.expiry(now)?).encode(marked);
        Some(key)
    })
}

/// What an operation writes without a time of its own.
enum Lasting<'a> {
    Value(&'a [u8]),
    Stored(&'a [u8]),
    Operand(&'a [u8]),
}

impl<'a> Lasting<'a> {
    fn until(self, at: Timestamp) -> Marked<'a> {
        match self {
            Lasting::Value(content) => Marked::Expiring { at, is_stored: false, content },
            Lasting::Stored(content) => Marked::Expiring { at, is_stored: true, content },
            Lasting::Operand(content) => Marked::Operand { at, content },
        }
    }
}

/// The key of an operation and what it writes to it, if that has no time of its own.
fn lasting<'a>(operation: &Operation<'a>) -> Option<(&'a [u8], Lasting<'a>)> {
    match *operation {
        Operation::Put { key, value } => Some((key, Lasting::Value(value))),
        Operation::PutStored { key, reference } => Some((key, Lasting::Stored(reference))),
        Operation::PutMarked { key, value } => match Marked::decode(value) {
            Ok(Marked::Operand { at: NEVER, content }) => Some((key, Lasting::Operand(content))),
            _ => None,
        },
        Operation::Delete { .. } | Operation::DeleteRange { .. } => None,
    }
}
