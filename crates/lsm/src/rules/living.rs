//! Puts of keyspaces whose entries expire: they get their time when they are committed.

use super::Resolver;
use crate::entry::{Marked, Timestamp};
use crate::log::{Operation, Operations};

/// The encoded operations, puts of keyspaces with a time to live made puts that expire; `now` is their time. `None` if
/// there are no such puts.
pub(crate) fn with_expiries(payload: &[u8], resolver: &Resolver, now: Timestamp) -> Option<Vec<u8>> {
    let (mut changed, mut any) = (Vec::with_capacity(payload.len() + 16), false);
    let mut marked = Vec::new();
    // Encoded by ourselves.
    for operation in Operations::new(payload).map_while(Result::ok) {
        let (key, content, is_stored) = match operation {
            Operation::Put { key, value } => (key, value, false),
            Operation::PutStored { key, reference } => (key, reference, true),
            other => {
                other.encode(&mut changed);
                continue;
            }
        };
        match resolver.rules().of(key).and_then(|rule| rule.expiry(now)) {
            Some(at) => {
                Marked::Expiring { at, is_stored, content }.encode(&mut marked);
                Operation::PutMarked { key, value: &marked }.encode(&mut changed);
                any = true;
            }
            None => operation.encode(&mut changed),
        }
    }
    any.then_some(changed)
}
