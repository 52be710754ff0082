//! Building a filter from keys that arrive in order, in memory or straight into a file.

use core::hint::select_unpredictable as either;
use std::io::Write;

use xxhash_rust::xxh3::Xxh3Default;

use crate::counter::slots_for;
use crate::edit::Spelling;
use crate::filter::{Totals, check_key};
use crate::find::shifted;
use crate::format::{footer, header};
use crate::machine::Memory;
use crate::packer::Packer;
use crate::shape::Division;
use crate::{Entry, Error, Key, QuotientFilter, Shape};

/// Builds a filter from ascending keys: O(1) a key. Bytes are written from front to back and each only once,
/// so the output may be a file, and little memory is needed however large the filter is.
///
/// ```
/// use stroma_quotient::{Builder, CountingFilter, Shape};
///
/// let mut builder = Builder::new(Shape::new(32, 1024)?)?;
/// for key in (0..1_000_000).step_by(5_000) {
///     builder.push(key, 3)?;
/// }
/// assert_eq!(builder.finish()?.count(995_000), 3);
///
/// // The same to any output; what came out is the stored form.
/// let mut builder = Builder::to_writer(Shape::new(32, 1024)?, Vec::new())?;
/// builder.push(7, 1)?;
/// assert_eq!(CountingFilter::open(builder.finish_writing()?)?.count(7), 1);
/// # Ok::<(), stroma_quotient::Error>(())
/// ```
pub struct SortedBuilder<K, W = Memory> {
    shape: Shape,
    division: Division,
    /// Slots of all blocks.
    slots: usize,
    output: W,
    checksum: Xxh3Default,
    /// The quotient of the last key, and those of its block that have a run.
    quotient: usize,
    occupieds: u64,
    /// The slot after the last one taken.
    end: usize,
    packer: Packer,
    /// The last key; at first 0.
    previous: K,
    greatest: K,
    /// All but the last keys that were counted once.
    totals: Totals,
    ones: u64,
    /// How many more there may be before the sum of all counts is too great.
    ones_allowed: u64,
}

/// A builder of filters of keys of up to 64 bits.
pub type Builder<W = Memory> = SortedBuilder<u64, W>;

/// Finished blocks are written when they are so many bytes.
const WRITTEN_TOGETHER: usize = 64 << 10;

impl<K: Key> SortedBuilder<K> {
    /// Begins a filter in memory.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        let bytes = QuotientFilter::<K>::stored_bytes_of(shape, &Division::new::<K>(shape)?)?;
        Self::to_writer(shape, Memory::with_room(bytes)?)
    }

    /// The finished filter.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn finish(mut self) -> Result<QuotientFilter<K>, Error> {
        self.add_ones();
        let (shape, totals) = (self.shape, self.totals);
        QuotientFilter::from_checked(shape, self.finish_writing()?, totals)
    }
}

impl<K: Key, W: Write> SortedBuilder<K, W> {
    /// Begins a filter whose stored form is written to `output`.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::Write`].
    pub fn to_writer(shape: Shape, mut output: W) -> Result<Self, Error> {
        let division = Division::new::<K>(shape)?;
        output.write_all(&header(shape))?;
        Ok(Self {
            shape,
            division,
            slots: shape.blocks() * 64,
            output,
            checksum: Xxh3Default::new(),
            quotient: 0,
            occupieds: 0,
            end: 0,
            packer: Packer::new(division.slot_bits),
            previous: K::ZERO,
            greatest: K::mask(division.key_bits),
            totals: Totals::default(),
            ones: 0,
            ones_allowed: u64::MAX,
        })
    }

    /// Appends a key, greater than all before, with its count. A count of 0 is passed over.
    ///
    /// # Errors
    /// [`Error::NotAscending`], [`Error::KeyTooWide`], [`Error::CountOverflow`], and [`Error::Full`] if the
    /// shape is too small; the keys pushed before stay. [`Error::Write`] after which nothing more can be done.
    #[inline(always)]
    pub fn push(&mut self, key: K, count: u64) -> Result<(), Error> {
        self.push_entry(Entry { key, count, value: 0 })
    }

    /// Appends a key with count and value.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`Error::ValueTooWide`].
    #[inline(always)]
    pub fn push_entry(&mut self, entry: Entry<K>) -> Result<(), Error> {
        let Entry { key, count, value } = entry;
        // A key that is too wide cannot be split.
        if key > self.greatest {
            return self.push_apart(entry);
        }
        let (quotient, remainder) = self.division.split(key);
        let start = either(self.end > quotient, self.end, quotient);
        // Whatever is out of the ordinary goes the longer way: the end of a block, one in thirty keys.
        if count == 1
            && key > self.previous
            && value <= self.division.value_mask
            && self.ones < self.ones_allowed
            && Some(start / 64) == self.packer.block_in_words()
            && quotient / 64 == self.quotient / 64
        {
            self.packer.end_run(quotient != self.quotient);
            self.packer
                .put_word((start % 64) as u32, shifted(remainder, self.division.value_bits).low() | value);
            self.occupieds |= 1 << (quotient % 64);
            (self.quotient, self.end, self.previous) = (quotient, start + 1, key);
            self.ones += 1;
            return Ok(());
        }
        self.push_apart(entry)
    }

    /// Appends any key.
    #[inline(never)]
    fn push_apart(&mut self, entry: Entry<K>) -> Result<(), Error> {
        let Entry { key, count, value } = entry;
        self.add_ones();
        let (division, value_bits) = (self.division, self.division.value_bits);
        check_key(&division, key)?;
        if !division.holds_value(value) {
            return Err(Error::ValueTooWide { value, value_bits });
        }
        if self.totals.distinct > 0 && self.previous >= key {
            return Err(Error::NotAscending { key: key.into(), previous: self.previous.into() });
        }
        if count == 0 {
            return Ok(());
        }
        let overflow = Error::CountOverflow { key: key.into() };
        let total = self.totals.total.checked_add(count).ok_or(overflow)?;
        let (quotient, remainder) = division.split(key);
        let first = shifted(remainder, value_bits) | K::from(value);
        let spelling = Spelling { first, top: first | K::from(division.value_mask), count };
        let start = self.end.max(quotient);
        let length = slots_for(count, spelling.top, division.slot_bits);
        if start + length > self.slots {
            return Err(Error::Full { used: self.totals.used, slots: self.slots as u64 });
        }
        self.packer.end_run(quotient != self.quotient);
        self.advance(quotient / 64)?;
        self.packer.go_to(start / 64);
        for index in 0..length {
            self.packer.put(start + index, spelling.slot(index, division.slot_bits));
        }
        self.occupieds |= 1 << (quotient % 64);
        (self.quotient, self.end, self.previous) = (quotient, start + length, key);
        let Totals { distinct, used, .. } = self.totals;
        self.totals = Totals { total, distinct: distinct + 1, used: used + length as u64 };
        self.ones_allowed = u64::MAX - total;
        Ok(())
    }

    /// Adds the keys counted once since the last time to the totals.
    fn add_ones(&mut self) {
        let Totals { total, distinct, used } = self.totals;
        let ones = std::mem::take(&mut self.ones);
        self.ones_allowed -= ones;
        self.totals = Totals { total: total + ones, distinct: distinct + ones, used: used + ones };
    }

    /// Goes on to the block of the next quotient: no run of an earlier one gets longer from now on. What lies between
    /// is written out on the way, so that a gap takes no memory.
    fn advance(&mut self, to: usize) -> Result<(), Error> {
        let mut block = self.quotient / 64;
        while block < to {
            self.packer.set_occupieds(block, self.occupieds);
            (block, self.occupieds) = (block + 1, 0);
            self.packer.go_to(block);
            let offset = self.end.saturating_sub(block * 64);
            self.packer.set_offset(block, u8::try_from(offset).unwrap_or(u8::MAX));
            if self.packer.bytes_before(block) >= WRITTEN_TOGETHER {
                self.write_out(block)?;
            }
        }
        // No key has it, unless one comes now.
        self.quotient = self.quotient.max(block * 64);
        Ok(())
    }

    /// Writes all blocks before one.
    fn write_out(&mut self, before: usize) -> Result<(), Error> {
        let finished = self.packer.finished(before);
        self.checksum.update(finished);
        self.output.write_all(finished)?;
        self.packer.drop_blocks(before);
        Ok(())
    }

    /// Writes what remains and gives the output back. It was not flushed or synced.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish_writing(mut self) -> Result<W, Error> {
        let count = self.slots / 64;
        self.packer.end_run(true);
        self.add_ones();
        self.advance(count - 1)?;
        self.packer.set_occupieds(count - 1, self.occupieds);
        self.packer.set_ends();
        self.write_out(count)?;
        self.output.write_all(&footer(self.totals, self.checksum.digest()))?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_keys_takes_no_memory() {
        let shape = Shape::new(48, 1 << 22).expect("possible");
        let mut builder = SortedBuilder::<u64, _>::to_writer(shape, Vec::new()).expect("possible");
        for key in [5, 1 << 47, (1 << 48) - 9] {
            builder.push(key, 300).expect("room");
            assert!(builder.packer.window.len() < 4 * WRITTEN_TOGETHER, "{}", builder.packer.window.len());
        }
        let filter = crate::QuotientFilter::<u64, _>::open(builder.finish_writing().expect("memory"));
        let filter = filter.expect("sound");
        assert_eq!(filter.iter().map(|entry| entry.key).collect::<Vec<_>>(), [5, 1 << 47, (1 << 48) - 9]);
        assert_eq!(filter.count(1 << 47), 300);
    }
}
