//! The filter: counts of keys, looked up and changed one at a time.

use core::fmt;

use crate::blocks::Blocks;
use crate::counter::{CountReader, slot_value, slots_for};
use crate::edit::NewSlot;
use crate::{Builder, Error, Iter, Shape};

/// A counted set of keys of a fixed number of bits, at most 64.
///
/// The filter stores keys exactly. It is approximate only when the caller cuts keys (hashes) down to fewer
/// bits than tell them apart; then a lookup of an absent key finds another's count with probability about
/// `load / 2^remainder_bits`.
///
/// Keys should be spread evenly over their range: hash them, or mix them with
/// [`InvertibleHash`](crate::InvertibleHash). With keys that crowd together everything stays right, but an
/// operation takes time linear in the crowd. Spread evenly, operations take expected O(1), O(1 / (1 -
/// load)^2) as the filter fills.
#[derive(Clone, PartialEq, Eq)]
pub struct CountingFilter {
    pub(crate) shape: Shape,
    pub(crate) blocks: Blocks,
    /// Different keys.
    pub(crate) distinct: u64,
    /// Sum of all counts.
    pub(crate) total: u64,
    /// Slots taken.
    pub(crate) used: u64,
}

/// A key's slots within its run.
struct Found {
    /// Where the run begins, or would begin.
    start: usize,
    /// Slot of the remainder, or where it would go.
    slot: usize,
    /// Slots taken; 0 if the key is absent.
    length: usize,
    count: u64,
    /// Whether there is a run and it ends right after these slots.
    run_ends: bool,
}

impl CountingFilter {
    /// An empty filter.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        shape.check()?;
        Ok(Self { shape, blocks: Blocks::new(shape)?, distinct: 0, total: 0, used: 0 })
    }

    /// An empty filter for `items` different keys of `key_bits` bits, counted once or twice each, at 95 %
    /// load or less. Larger counts take further slots; see [`Shape::for_slots`].
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn with_capacity(items: u64, key_bits: u32) -> Result<Self, Error> {
        Self::new(Shape::for_slots(items, key_bits)?)
    }

    /// How keys are divided.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The sum of all counts.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether no key is counted.
    pub fn is_empty(&self) -> bool {
        self.distinct == 0
    }

    /// How many different keys are counted.
    pub fn distinct(&self) -> u64 {
        self.distinct
    }

    /// Slots taken per home slot. Operations stay fast up to 0.95; it can pass 1 by a little.
    pub fn load(&self) -> f64 {
        self.used as f64 / self.shape.home_slots() as f64
    }

    /// Bytes the slots take.
    pub fn size_bytes(&self) -> usize {
        self.blocks.size_bytes()
    }

    /// How often the key is counted; 0 for a key wider than the filter's.
    pub fn count(&self, key: u64) -> u64 {
        if !self.shape.holds(key) {
            return 0;
        }
        let (quotient, remainder) = self.shape.split(key);
        if !self.blocks.is_occupied(quotient) {
            return 0;
        }
        self.find(quotient, remainder).count
    }

    /// Whether the key is counted at all.
    pub fn contains(&self, key: u64) -> bool {
        self.count(key) > 0
    }

    /// Counts the key once more.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn insert(&mut self, key: u64) -> Result<(), Error> {
        self.add(key, 1).map(drop)
    }

    /// Counts the key `count` times more and returns its new count.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::CountOverflow`], [`Error::KeyTooWide`]; then nothing has changed.
    pub fn add(&mut self, key: u64, count: u64) -> Result<u64, Error> {
        let change = |old: u64| old.checked_add(count).ok_or(Error::CountOverflow { key });
        self.change(key, change).map(|(_, new)| new)
    }

    /// Makes the key's count `count` (0 removes it) and returns the count before.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set(&mut self, key: u64, count: u64) -> Result<u64, Error> {
        self.change(key, |_| Ok(count)).map(|(old, _)| old)
    }

    /// Counts the key `count` times less, down to 0, and returns its new count.
    ///
    /// # Errors
    /// [`Error::KeyTooWide`].
    pub fn remove(&mut self, key: u64, count: u64) -> Result<u64, Error> {
        self.change(key, |old| Ok(old.saturating_sub(count))).map(|(_, new)| new)
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.blocks.clear();
        (self.distinct, self.total, self.used) = (0, 0, 0);
    }

    /// Doubles the number of home slots, taking a bit from the remainder; keys keep all their bits. O(slots).
    ///
    /// # Errors
    /// [`Error::CannotGrow`] when the remainder has one bit left, [`Error::OutOfMemory`].
    pub fn grow(&mut self) -> Result<(), Error> {
        let mut shape = self.shape.grown()?;
        loop {
            match self.rebuilt(shape) {
                Ok(grown) => {
                    *self = grown;
                    return Ok(());
                }
                // Narrower remainders make counts take more slots: rarely, one doubling is not enough.
                Err(Error::Full { .. }) => shape = shape.grown()?,
                Err(other) => return Err(other),
            }
        }
    }

    /// The same counts in a filter of another shape with as many key bits.
    pub(crate) fn rebuilt(&self, shape: Shape) -> Result<Self, Error> {
        let mut builder = Builder::new(shape)?;
        for (key, count) in self.iter() {
            builder.push(key, count)?;
        }
        Ok(builder.finish())
    }

    /// All keys with their counts, by ascending key. O(slots) in all.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self)
    }

    fn find(&self, quotient: usize, remainder: u64) -> Found {
        let start = self.blocks.run_start(quotient);
        let mut found = Found { start, slot: start, length: 0, count: 0, run_ends: false };
        if !self.blocks.is_occupied(quotient) {
            return found;
        }
        while !found.run_ends {
            let here = self.blocks.remainder(found.slot);
            if here > remainder {
                return found;
            }
            let (mut last, mut reader) = (found.slot, CountReader::new(self.shape.remainder_bits));
            found.run_ends = self.blocks.is_runend(last);
            while !found.run_ends && self.blocks.is_extension(last + 1) {
                last += 1;
                reader.push(self.blocks.remainder(last));
                found.run_ends = self.blocks.is_runend(last);
            }
            if here == remainder {
                (found.length, found.count) = (last + 1 - found.slot, reader.count());
                return found;
            }
            found.slot = last + 1;
        }
        found
    }

    /// Gives a key another count; returns the old and the new one.
    fn change(
        &mut self,
        key: u64,
        change: impl FnOnce(u64) -> Result<u64, Error>,
    ) -> Result<(u64, u64), Error> {
        if !self.shape.holds(key) {
            return Err(Error::KeyTooWide { key, key_bits: self.shape.key_bits() });
        }
        let (quotient, remainder) = self.shape.split(key);
        let found = self.find(quotient, remainder);
        let (old, new) = (found.count, change(found.count)?);
        let total = (self.total - old).checked_add(new).ok_or(Error::CountOverflow { key })?;
        let length = slots_for(new, self.shape.remainder_bits);
        let free = self.room(quotient, length.saturating_sub(found.length))?;
        self.store(quotient, remainder, &found, new, free);
        self.used = self.used - found.length as u64 + length as u64;
        self.distinct = self.distinct - u64::from(old > 0) + u64::from(new > 0);
        self.total = total;
        Ok((old, new))
    }

    /// The first free slot at or after the home slot, if that and as many as are wanted are there.
    fn room(&self, quotient: usize, wanted: usize) -> Result<usize, Error> {
        let (mut first, mut from) = (quotient, quotient);
        for index in 0..wanted {
            let free = self.blocks.first_free(from).ok_or_else(|| self.full())?;
            if index == 0 {
                first = free;
            }
            from = free + 1;
        }
        Ok(first)
    }

    fn full(&self) -> Error {
        Error::Full { used: self.used, slots: self.blocks.slots() as u64 }
    }

    /// Writes the slots of a key whose count becomes `count`. There is room for them, from slot `free` on.
    fn store(&mut self, quotient: usize, remainder: u64, found: &Found, count: u64, mut free: usize) {
        let remainder_bits = self.shape.remainder_bits;
        let length = slots_for(count, remainder_bits);
        // From the last slot backward, so that a run end moves to a slot of the same key.
        for index in (length..found.length).rev() {
            self.blocks.remove_slot(quotient, found.start, found.slot + index);
        }
        for index in 0..length {
            let (at, extension) = (found.slot + index, index > 0);
            let value = slot_value(remainder, count, index, remainder_bits);
            if index < found.length {
                self.blocks.set_remainder(at, value);
                continue;
            }
            if index > found.length {
                // Found before, by `room`.
                free = self.blocks.first_free(free + 1).unwrap_or(free);
            }
            // Past the first slot, the one before belongs to the same key.
            let appended = if index == 0 { found.run_ends } else { self.blocks.is_runend(at - 1) };
            self.blocks.insert_slot(NewSlot { quotient, at, free, value, extension, appended });
        }
    }
}

impl fmt::Debug for CountingFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, distinct, total, used, .. } = self;
        formatter
            .debug_struct("CountingFilter")
            .field("shape", shape)
            .field("distinct", distinct)
            .field("total", total)
            .field("used", used)
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a CountingFilter {
    type Item = (u64, u64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
