//! Operands of one key in one stripe of snapshots, put together as far as that can be done.
//!
//! The newest version of a key in a stripe is all that is seen of the stripe, unless it is an operand: then what is
//! below it counts, too, down to a value or a delete. Operands that follow each other and expire at one time are a
//! *group*: they count together or not at all. If what is below the oldest group is at hand and lives as long, or
//! nothing can be below, the group becomes a value; each other one becomes one operand, if the operator can do that;
//! else it stays. It also stays where the operator fails: who reads the key is told. What has expired for everyone is
//! not taken here in the first place.

use std::collections::VecDeque;

use super::Retention;
use crate::Error;
use crate::entry::{EntryRef, Kind, Marked, NEVER, Sequence, Timestamp};
use crate::rules::Resolver;
use crate::values::{PackedValue, ShortValue};

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
    /// A value, where it lies and when it expires.
    Value {
        at: Timestamp,
        is_stored: bool,
        content: Vec<u8>,
    },
}

impl Base {
    /// A value that had to be unpacked. Where that cannot be, operands and value stay as they are: damage keeps nobody
    /// from flushing and merging what is sound, and who reads it is told.
    fn unpacked(value: Option<Vec<u8>>) -> Base {
        value.map_or(Base::Unknown, |content| Base::Value { at: NEVER, is_stored: false, content })
    }
}

/// Operands that expire at one time, with what they were read from, newest first.
#[derive(Debug)]
struct Group {
    at: Timestamp,
    operands: Vec<Vec<u8>>,
    taken: Vec<Waiting>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Operands {
    /// Newest first.
    groups: Vec<Group>,
    base: Base,
    /// The entry that the base was read from, if it is to stay unless an operand goes into it.
    base_entry: Option<Waiting>,
}

impl Operands {
    /// Begins with the newest.
    pub(super) fn new() -> Self {
        Operands { groups: Vec::new(), base: Base::Unknown, base_entry: None }
    }

    /// Takes the next older entry of the key, which is not hidden; answers whether older ones count as well.
    pub(super) fn take(&mut self, entry: &EntryRef<'_>, retention: &Retention) -> Result<bool, Error> {
        let waiting = Waiting { sequence: entry.sequence, kind: entry.kind, value: entry.value.to_vec() };
        let content = || entry.value.to_vec();
        self.base = match entry.kind {
            Kind::Put => Base::Value { at: NEVER, is_stored: false, content: content() },
            Kind::Stored => Base::Value { at: NEVER, is_stored: true, content: content() },
            Kind::Delete => Base::Absent,
            Kind::Marked => match Marked::decode(entry.value)? {
                Marked::Operand { at, content } => {
                    self.add(at, content.to_vec(), waiting);
                    return Ok(true);
                }
                Marked::Expiring { at, .. } if at <= retention.oldest.time => Base::Absent,
                Marked::Expiring { at, is_stored, content } => {
                    Base::Value { at, is_stored, content: content.to_vec() }
                }
                Marked::Packed { pieces } => Base::unpacked(PackedValue::new(pieces).unpack().ok()),
                Marked::Short { stored } => Base::unpacked(ShortValue::unpack_if_from(stored, 0)),
                Marked::Incompressible { content } => {
                    Base::Value { at: NEVER, is_stored: false, content: content.to_vec() }
                }
                // What the operands make of it depends on the reader.
                Marked::Filtered(_) => Base::Unknown,
            },
        };
        self.base_entry = match self.base {
            // Also where a value has expired, or the table would be worth rewriting again at once.
            Base::Absent => Some(Waiting { kind: Kind::Delete, value: Vec::new(), ..waiting })
                .filter(|_| !retention.hides_nothing(entry.sequence)),
            _ => Some(waiting),
        };
        Ok(false)
    }

    fn add(&mut self, at: Timestamp, operand: Vec<u8>, taken: Waiting) {
        match self.groups.last_mut().filter(|group| group.at == at) {
            Some(group) => {
                group.operands.push(operand);
                group.taken.push(taken);
            }
            None => self.groups.push(Group { at, operands: vec![operand], taken: vec![taken] }),
        }
    }

    /// Takes note that nothing is below.
    pub(super) fn end(&mut self) {
        self.base = Base::Absent;
    }

    /// What is to be written for the key, newest first.
    ///
    /// # Errors
    /// Damage or failure of the storage where a value is to be read.
    pub(super) fn finish(self, key: &[u8], retention: &Retention) -> Result<VecDeque<Waiting>, Error> {
        let Operands { mut groups, base, base_entry } = self;
        let Some(resolver) = retention.resolver.as_deref() else {
            return Ok(groups.into_iter().flat_map(|group| group.taken).chain(base_entry).collect());
        };
        let mut oldest = groups.pop();
        let mut lowest = base_entry;
        if let Some(value) =
            oldest.as_ref().map(|group| group.with_base(key, &base, resolver)).transpose()?.flatten()
        {
            (oldest, lowest) = (None, Some(value));
        }
        let combined = groups.into_iter().chain(oldest).flat_map(|group| group.combined(key, resolver));
        Ok(combined.chain(lowest).collect())
    }
}

impl Group {
    /// The value that the operands make of what is below, if that is known and lives as long, and the operator does not
    /// fail.
    fn with_base(&self, key: &[u8], base: &Base, resolver: &Resolver) -> Result<Option<Waiting>, Error> {
        let (Some(newest), true) = (self.taken.first(), base.joins(self.at)) else { return Ok(None) };
        let stored;
        let base = match base {
            Base::Unknown => return Ok(None),
            Base::Absent => None,
            Base::Value { is_stored: false, content, .. } => Some(content.as_slice()),
            Base::Value { content, .. } => {
                stored = resolver.load(content)?;
                Some(stored.as_slice())
            }
        };
        let Ok(merged) = resolver.merge(key, base, &self.operands) else { return Ok(None) };
        let sequence = newest.sequence;
        if self.at == NEVER {
            return Ok(Some(Waiting { sequence, kind: Kind::Put, value: merged }));
        }
        let mut value = Vec::new();
        Marked::Expiring { at: self.at, is_stored: false, content: &merged }.encode(&mut value);
        Ok(Some(Waiting { sequence, kind: Kind::Marked, value }))
    }

    /// One operand, if there are several and the operator knows one that does the same; else all as they were.
    fn combined(self, key: &[u8], resolver: &Resolver) -> Vec<Waiting> {
        let (Some(newest), true) = (self.taken.first(), self.operands.len() > 1) else { return self.taken };
        let Some(combined) = resolver.combine(key, &self.operands) else { return self.taken };
        let mut value = Vec::new();
        Marked::Operand { at: self.at, content: &combined }.encode(&mut value);
        vec![Waiting { sequence: newest.sequence, kind: Kind::Marked, value }]
    }
}

impl Base {
    /// Whether operands that expire at `operands_at` can become one value with it.
    fn joins(&self, operands_at: Timestamp) -> bool {
        match self {
            Base::Unknown => false,
            Base::Absent => true,
            Base::Value { at, .. } => *at == operands_at,
        }
    }
}
