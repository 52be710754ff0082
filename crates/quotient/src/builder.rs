//! Building a filter from keys that arrive in order, without moving a slot twice.

use crate::counter::{slot_value, slots_for};
use crate::{CountingFilter, Error, Shape};

/// Builds a filter from ascending keys: O(1) a key, and memory is written from front to back.
///
/// ```
/// use stroma_quotient::{Builder, Shape};
///
/// let mut builder = Builder::new(Shape { quotient_bits: 8, remainder_bits: 24 })?;
/// for key in (0..1_000_000).step_by(5_000) {
///     builder.push(key, 3)?;
/// }
/// assert_eq!(builder.finish().count(995_000), 3);
/// # Ok::<(), stroma_quotient::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    filter: CountingFilter,
    previous: Option<u64>,
    /// The slot after the last one written.
    end: usize,
}

impl Builder {
    /// Begins a filter.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        Ok(Self { filter: CountingFilter::new(shape)?, previous: None, end: 0 })
    }

    /// Appends a key, greater than all before, with its count. A count of 0 is passed over.
    ///
    /// # Errors
    /// [`Error::NotAscending`], [`Error::KeyTooWide`], [`Error::CountOverflow`], and [`Error::Full`] if the
    /// shape is too small. The keys pushed before stay.
    pub fn push(&mut self, key: u64, count: u64) -> Result<(), Error> {
        let filter = &mut self.filter;
        if !filter.shape.holds(key) {
            return Err(Error::KeyTooWide { key, key_bits: filter.shape.key_bits() });
        }
        if let Some(previous) = self.previous.filter(|previous| *previous >= key) {
            return Err(Error::NotAscending { key, previous });
        }
        if count == 0 {
            return Ok(());
        }
        let total = filter.total.checked_add(count).ok_or(Error::CountOverflow { key })?;
        let (quotient, remainder) = filter.shape.split(key);
        let start = self.end.max(quotient);
        let end = start + slots_for(count, filter.shape.remainder_bits);
        if end > filter.blocks.slots() {
            return Err(Error::Full { used: filter.used, slots: filter.blocks.slots() as u64 });
        }
        let blocks = &mut filter.blocks;
        if blocks.is_occupied(quotient) {
            blocks.set_runend(start - 1, false);
        }
        blocks.set_occupied(quotient, true);
        for slot in start..end {
            let value = slot_value(remainder, count, slot - start, filter.shape.remainder_bits);
            blocks.write(slot, value, slot > start);
        }
        blocks.set_runend(end - 1, true);
        filter.total = total;
        filter.distinct += 1;
        filter.used += (end - start) as u64;
        (self.previous, self.end) = (Some(key), end);
        Ok(())
    }

    /// The finished filter.
    pub fn finish(mut self) -> CountingFilter {
        let blocks = self.filter.blocks.count();
        self.filter.blocks.refresh_offsets(0, blocks - 1);
        self.filter
    }
}
