//! What records of the log hold, gathered before it is known which sequences they have.

use std::sync::Arc;

use stroma_logmem::LogBatch;

use super::head::Head;
use super::sorting::sortable;
use crate::Error;
use crate::entry::{Kind, Marked, NEVER};
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

    fn gather(&mut self, record: &StoredRecord<'_>) -> Result<(), Error> {
        for (number, operation) in (self.operations..).zip(record.operations()) {
            match operation.change() {
                PackedChange::Entry(kind, value) => {
                    self.note(kind, value)?;
                    let (prefix, rest) = (operation.prefix(), operation.key());
                    let length = (prefix.len() + rest.len()) as u32;
                    self.entries.push(&[&length.to_le_bytes(), prefix, rest, value]);
                    self.order.push(sortable(head_of(&operation), number << 2 | u32::from(kind.code())));
                }
                PackedChange::RangeDelete { end } => {
                    let start = [operation.prefix(), operation.key()].concat().into();
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
            Marked::Filtered(_) | Marked::Packed { .. } | Marked::Incompressible { .. } => {}
        }
        Ok(())
    }
}

impl Portion for EntryPortion {
    fn new(bytes: usize) -> EntryPortion {
        // Entries of some hundred bytes are no more than an eighth longer in memory.
        EntryPortion { entries: LogBatch::with_capacity(bytes + bytes / 8), ..EntryPortion::default() }
    }

    fn add(&mut self, record: &StoredRecord<'_>) -> bool {
        self.operations.saturating_add(record.operation_count()) <= MOST_OPERATIONS
            && self.gather(record).is_ok()
    }
}

/// The head of the key of an operation.
#[inline]
fn head_of(operation: &PackedOperation<'_>) -> Head {
    let (prefix, rest) = (operation.prefix(), operation.key());
    let mut start = [0; Head::BYTES];
    let (before, behind) = start.split_at_mut(prefix.len());
    before.copy_from_slice(prefix);
    let shared = behind.len().min(rest.len());
    behind[..shared].copy_from_slice(&rest[..shared]);
    Head::of(&start)
}
