//! Building a filter from keys that arrive in order, in memory or straight into a file.

use std::io::Write;

use xxhash_rust::xxh3::Xxh3Default;

use crate::blocks::{Blocks, block_bytes};
use crate::counter::slots_for;
use crate::edit::Spelling;
use crate::filter::{Totals, check_key};
use crate::find::shifted;
use crate::format::{footer, header};
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
pub struct SortedBuilder<K, W = Vec<u8>> {
    shape: Shape,
    division: Division,
    block_count: usize,
    output: W,
    checksum: Xxh3Default,
    /// Blocks from `first` on that may still change; those before it are written.
    window: Vec<u8>,
    first: usize,
    /// The block of the last quotient.
    block: usize,
    /// The slot after the last one taken.
    end: usize,
    previous: Option<K>,
    totals: Totals,
}

/// A builder of filters of keys of up to 64 bits.
pub type Builder<W = Vec<u8>> = SortedBuilder<u64, W>;

/// Finished blocks are written when they are so many bytes.
const WRITTEN_TOGETHER: usize = 64 << 10;

impl<K: Key> SortedBuilder<K> {
    /// Begins a filter in memory.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        let bytes = QuotientFilter::<K>::stored_bytes_of(shape, &Division::new::<K>(shape)?)?;
        let mut output = Vec::new();
        output.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes: bytes as u64 })?;
        Self::to_writer(shape, output)
    }

    /// The finished filter.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn finish(self) -> Result<QuotientFilter<K>, Error> {
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
            block_count: shape.blocks(),
            output,
            checksum: Xxh3Default::new(),
            window: vec![0; block_bytes(division.slot_bits)],
            first: 0,
            block: 0,
            end: 0,
            previous: None,
            totals: Totals::default(),
        })
    }

    /// Appends a key, greater than all before, with its count. A count of 0 is passed over.
    ///
    /// # Errors
    /// [`Error::NotAscending`], [`Error::KeyTooWide`], [`Error::CountOverflow`], and [`Error::Full`] if the
    /// shape is too small; the keys pushed before stay. [`Error::Write`] after which nothing more can be done.
    pub fn push(&mut self, key: K, count: u64) -> Result<(), Error> {
        self.push_entry(Entry { key, count, value: 0 })
    }

    /// Appends a key with count and value.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`Error::ValueTooWide`].
    pub fn push_entry(&mut self, entry: Entry<K>) -> Result<(), Error> {
        let Entry { key, count, value } = entry;
        let (division, value_bits) = (self.division, self.division.value_bits);
        check_key(&division, key)?;
        if !division.holds_value(value) {
            return Err(Error::ValueTooWide { value, value_bits });
        }
        if let Some(previous) = self.previous.filter(|previous| *previous >= key) {
            return Err(Error::NotAscending { key: key.into(), previous: previous.into() });
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
        if start + length > self.block_count * 64 {
            return Err(Error::Full { used: self.totals.used, slots: self.block_count as u64 * 64 });
        }
        self.advance(quotient / 64)?;
        self.write(quotient, start, length, &spelling);
        self.totals.total = total;
        self.totals.distinct += 1;
        self.totals.used += length as u64;
        (self.previous, self.end) = (Some(key), start + length);
        Ok(())
    }

    fn write(&mut self, quotient: usize, start: usize, length: usize, spelling: &Spelling<K>) {
        self.reach((start + length - 1) / 64);
        let (before, slot_bits) = (self.first * 64, self.division.slot_bits);
        let mut blocks = self.blocks();
        let (quotient, start) = (quotient - before, start - before);
        if blocks.is_occupied(quotient) {
            blocks.set_runend(start - 1, false);
        }
        blocks.set_occupied(quotient, true);
        (0..length).for_each(|index| blocks.set_slot(start + index, spelling.slot(index, slot_bits)));
        blocks.set_runend(start + length - 1, true);
    }

    /// The blocks of the window.
    fn blocks(&mut self) -> Blocks<&mut [u8]> {
        let count = self.window.len() / block_bytes(self.division.slot_bits);
        Blocks::new(&mut self.window, &self.division, count, true)
    }

    /// Makes the window reach a block.
    #[inline]
    fn reach(&mut self, block: usize) {
        let bytes = (block + 1 - self.first) * block_bytes(self.division.slot_bits);
        if bytes > self.window.len() {
            self.window.resize(bytes, 0);
        }
    }

    /// Goes on to the block of the next quotient: no run of an earlier one gets longer from now on.
    #[inline]
    fn advance(&mut self, to: usize) -> Result<(), Error> {
        while self.block < to {
            self.block += 1;
            self.reach(self.block);
            let offset = self.end.saturating_sub(self.block * 64);
            let at = self.block - self.first;
            self.blocks().set_offset_byte(at, u8::try_from(offset).unwrap_or(u8::MAX));
            let finished = at * block_bytes(self.division.slot_bits);
            if finished >= WRITTEN_TOGETHER {
                self.write_out(finished)?;
                self.first = self.block;
            }
        }
        Ok(())
    }

    fn write_out(&mut self, bytes: usize) -> Result<(), Error> {
        self.checksum.update(&self.window[..bytes]);
        self.output.write_all(&self.window[..bytes])?;
        self.window.drain(..bytes);
        Ok(())
    }

    /// Writes what remains and gives the output back. It was not flushed or synced.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish_writing(mut self) -> Result<W, Error> {
        self.advance(self.block_count - 1)?;
        self.write_out(self.window.len())?;
        self.output.write_all(&footer(self.totals, self.checksum.digest()))?;
        Ok(self.output)
    }
}
