//! Operands of one key in one stripe of snapshots, put together as far as that can be done.
//!
//! The newest version of a key in a stripe is all that is seen of the stripe, unless it is an operand: then what is
//! below it counts, too, down to a value or a delete. If that is at hand, or nothing can be below, the operands become
//! a value; else, if the operator can do it, one operand; else they stay. They also stay where the operator fails: who
//! reads the key is told.

use std::collections::VecDeque;

use super::Retention;
use crate::Error;
use crate::entry::{EntryRef, Kind, Marked, Sequence};

/// An entry that waits to be written, without its key.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) sequence: Sequence,
    pub(super) kind: Kind,
    pub(super) value: Vec<u8>,
}

/// What operands apply to.
#[derive(Debug)]
enum Base {
    /// It is in an older source, or one that cannot be used.
    Unknown,
    Absent,
    Value(Vec<u8>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Operands {
    /// Newest first.
    operands: Vec<Vec<u8>>,
    /// All that was taken, as it was.
    taken: VecDeque<Waiting>,
    base: Base,
}

impl Operands {
    /// Begins with the newest.
    pub(super) fn new() -> Self {
        Operands { operands: Vec::new(), taken: VecDeque::new(), base: Base::Unknown }
    }

    /// Takes the next older entry of the key, which is not hidden; answers whether older ones count as well.
    pub(super) fn take(&mut self, entry: &EntryRef<'_>, retention: &Retention) -> Result<bool, Error> {
        let resolver = retention.resolver.as_deref();
        let waiting = Waiting { sequence: entry.sequence, kind: entry.kind, value: entry.value.to_vec() };
        self.taken.push_back(waiting);
        self.base = match entry.kind {
            Kind::Put => Base::Value(entry.value.to_vec()),
            Kind::Delete => {
                if retention.drops(entry) {
                    self.taken.pop_back();
                }
                Base::Absent
            }
            Kind::Stored => match resolver {
                Some(resolver) => Base::Value(resolver.load(entry.value)?),
                None => Base::Unknown,
            },
            Kind::Marked => match Marked::decode(entry.value)? {
                Marked::Operand(operand) => {
                    self.operands.push(operand.to_vec());
                    return Ok(true);
                }
                Marked::Expiring { at, .. } if at <= retention.oldest.time => {
                    // Else the table would be worth rewriting again at once.
                    if let Some(expired) = self.taken.back_mut() {
                        (expired.kind, expired.value) = (Kind::Delete, Vec::new());
                    }
                    Base::Absent
                }
                // What the operands make of it depends on the reader.
                Marked::Expiring { .. } | Marked::Filtered(_) => Base::Unknown,
            },
        };
        Ok(false)
    }

    /// Takes note that nothing is below.
    pub(super) fn end(&mut self) {
        self.base = Base::Absent;
    }

    /// What is to be written for the key, newest first.
    pub(super) fn finish(self, key: &[u8], retention: &Retention) -> VecDeque<Waiting> {
        let Operands { operands, taken, base } = self;
        let (Some(resolver), Some(newest)) = (&retention.resolver, taken.front()) else { return taken };
        let sequence = newest.sequence;
        let base = match &base {
            Base::Value(value) => Some(value.as_slice()),
            Base::Absent => None,
            Base::Unknown if operands.len() > 1 && taken.len() == operands.len() => {
                let Some(combined) = resolver.combine(key, &operands) else { return taken };
                let mut value = Vec::new();
                Marked::Operand(&combined).encode(&mut value);
                return VecDeque::from([Waiting { sequence, kind: Kind::Marked, value }]);
            }
            Base::Unknown => return taken,
        };
        match resolver.merge(key, base, &operands) {
            Ok(value) => VecDeque::from([Waiting { sequence, kind: Kind::Put, value }]),
            Err(_) => taken,
        }
    }
}
