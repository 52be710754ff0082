//! What records of the log hold, gathered before it is known which sequences they have.

use std::sync::Arc;

use stroma_logmem::LogBatch;

use super::head::Head;
use super::sorting::sortable;
use crate::Error;
use crate::entry::{Kind, Marked, NEVER};
use crate::keyspace::PREFIX_BYTES;
use crate::log::{PackedChange, PackedOperation, Portion, StoredRecord};

/// No more operations than these are put together, so that their numbers fit.
const MOST_OPERATIONS: u32 = 1 << 24;

/// See the module. Operations are numbered from 0 on.
#[derive(Debug, Default)]
pub(crate) struct EntryPortion {
    /// As they are to lie in memory.
    pub(super) entries: LogBatch,
    /// What is sorted, in the order of the entries: heads of keys, with the number of the operation and its kind in two
    /// bits.
    pub(super) order: Vec<u128>,
    /// The bits in which these differ from the first of them.
    pub(super) differing: u128,
    pub(super) ranges: Vec<NumberedRange>,
    pub(super) operations: u32,
    pub(super) holds_references: bool,
    pub(super) expires: bool,
}

/// A delete of a range.
#[derive(Debug)]
pub(super) struct NumberedRange {
    pub(super) number: u32,
    pub(super) start: Arc<[u8]>,
    pub(super) end: Arc<[u8]>,
}

impl EntryPortion {
    /// What one record holds.
    ///
    /// # Errors
    /// If a value is not what its kind says.
    pub(crate) fn of(record: &StoredRecord<'_>) -> Result<EntryPortion, Error> {
        let mut portion = EntryPortion::default();
        portion.gather(record)?;
        Ok(portion)
    }

    /// Operations in it.
    pub(crate) fn operations(&self) -> u32 {
        self.operations
    }

    /// Bytes that the entries take in memory, with those in front of each.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// The same without those in front.
    pub(super) fn linked_bytes(&self) -> usize {
        self.entries.bytes() - size_of::<u32>() * self.entries.len()
    }

    /// Entries are what most of a log is, and are copied as directly as can be: this is a good part of recovery.
    #[inline]
    fn gather(&mut self, record: &StoredRecord<'_>) -> Result<(), Error> {
        for (number, operation) in (self.operations..).zip(record.operations()) {
            match operation.change() {
                PackedChange::Entry(kind, value) => {
                    self.note(kind, value)?;
                    let key = operation.key();
                    match operation.prefix() {
                        Some(prefix) => {
                            let length = u64::from((PREFIX_BYTES + key.len()) as u32);
                            // One number, so that it need not be put together in memory.
                            let head = length | u64::from(u32::from_le_bytes(prefix)) << u32::BITS;
                            self.entries.push_headed(head.to_le_bytes(), key, value);
                        }
                        None => self.entries.push_headed((key.len() as u32).to_le_bytes(), key, value),
                    }
                    let sorted = sortable(head_of(&operation), number << 2 | u32::from(kind.code()));
                    self.differing |= sorted ^ self.order.first().unwrap_or(&sorted);
                    self.order.push(sorted);
                }
                PackedChange::RangeDelete { end } => {
                    let start = operation.whole_key().into();
                    self.ranges.push(NumberedRange { number, start, end: end.into() });
                }
            }
        }
        self.operations += record.operation_count();
        Ok(())
    }

    #[inline]
    fn note(&mut self, kind: Kind, value: &[u8]) -> Result<(), Error> {
        self.holds_references |= kind == Kind::Stored;
        if kind != Kind::Marked {
            return Ok(());
        }
        match Marked::decode(value)? {
            Marked::Expiring { is_stored, .. } => {
                self.expires = true;
                self.holds_references |= is_stored;
            }
            Marked::Operand { at, .. } => self.expires |= at != NEVER,
            Marked::Filtered(_)
            | Marked::Packed { .. }
            | Marked::Incompressible { .. }
            | Marked::Short { .. } => {}
        }
        Ok(())
    }
}

impl Portion for EntryPortion {
    fn begin(&mut self, bytes: usize) {
        self.entries.clear();
        // Entries of some hundred bytes are no more than an eighth longer in memory.
        self.entries.reserve(bytes + bytes / 8);
        self.order.clear();
        // As many as there were last time, and some.
        self.order.reserve(self.operations as usize / 32 * 33);
        self.differing = 0;
        self.ranges.clear();
        (self.operations, self.holds_references, self.expires) = (0, false, false);
    }

    #[inline]
    fn add(&mut self, record: &StoredRecord<'_>) -> bool {
        self.operations.saturating_add(record.operation_count()) <= MOST_OPERATIONS
            && self.gather(record).is_ok()
    }
}

/// The head of the key of an operation.
#[inline]
fn head_of(operation: &PackedOperation<'_>) -> Head {
    let key = operation.key();
    match (operation.prefix(), key.first_chunk::<{ Head::BYTES - PREFIX_BYTES }>()) {
        (None, _) => Head::of(key),
        (Some(prefix), Some(start)) => {
            let start = u64::from_be_bytes(*start);
            let first = u64::from(u32::from_be_bytes(prefix)) << u32::BITS | start >> u32::BITS;
            Head { first, rest: start as u32 }
        }
        (Some(_), None) => Head::of(&operation.whole_key()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_that_is_begun_anew_has_nothing_of_before_but_its_memory() {
        let mut portion = EntryPortion::default();
        portion.begin(100_000);
        portion.entries.push_headed([1; 4], b"key", &[2; 60_000]);
        portion.order = vec![1; 1000];
        (portion.operations, portion.differing) = (1001, 7);
        (portion.holds_references, portion.expires) = (true, true);
        portion.ranges.push(NumberedRange { number: 3, start: Arc::from([]), end: Arc::from([1]) });
        let (bytes, taken) = (portion.entries.capacity(), std::mem::take(&mut portion.order));
        assert_eq!(taken.len(), 1000);
        portion.begin(100_000);
        assert_eq!(portion.entries.capacity(), bytes);
        assert!((1000..1200).contains(&portion.order.capacity()));
        assert!(portion.entries.is_empty() && portion.order.is_empty() && portion.ranges.is_empty());
        assert_eq!((portion.operations(), portion.bytes(), portion.differing), (0, 0, 0));
        assert!(!portion.holds_references && !portion.expires);
    }
}
