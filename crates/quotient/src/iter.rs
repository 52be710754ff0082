//! Walking all keys of a filter in order, or those of a range of quotients.

use core::ops::Range;

use crate::blocks::Blocks;
use crate::machine::{Cpu, Work};
use crate::shape::Division;
use crate::{Counted, Key, QuotientFilter};

/// A key and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<K> {
    /// The key.
    pub key: K,
    /// How often it is counted; at least once.
    pub count: u64,
    /// Its value; 0 in filters whose values have no bits.
    pub value: u64,
}

impl<K> Entry<K> {
    /// What is said of the key.
    pub fn counted(&self) -> Counted {
        Counted { count: self.count, value: self.value }
    }
}

/// The keys of a filter, by ascending key.
pub struct Iter<'a, K> {
    blocks: Blocks<&'a [u8]>,
    division: Division,
    /// The block of home slots being walked.
    block: usize,
    /// Its quotients not yet walked.
    occupieds: u64,
    /// Quotients of this block and after it are not walked.
    end: usize,
    quotient: usize,
    /// The next slot to read, or where the next run begins at the earliest.
    slot: usize,
    /// Run ends of its block, its own lowest.
    ends: u64,
    in_run: bool,
    left: Option<u64>,
    keys: core::marker::PhantomData<K>,
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// All keys, by ascending key. O(slots) in all.
    pub fn iter(&self) -> Iter<'_, K> {
        Iter { left: Some(self.distinct()), ..self.iter_blocks(0..self.block_count) }
    }

    /// The keys in `parts` iterators that follow each other and have about as many keys each if keys are
    /// spread evenly: for as many threads. O(1) each.
    ///
    /// ```
    /// use stroma_quotient::{CountingFilter, InvertibleHash, Shape};
    ///
    /// let (mix, mut filter) = (InvertibleHash::new(40, 1), CountingFilter::new(Shape::new(40, 5000)?)?);
    /// (0..4000).try_for_each(|key| filter.insert(mix.hash(key)))?;
    /// let sum: u64 = std::thread::scope(|scope| {
    ///     let parts = filter.iter_parts(3).into_iter();
    ///     let workers: Vec<_> =
    ///         parts.map(|part| scope.spawn(|| part.map(|entry| entry.count).sum::<u64>())).collect();
    ///     workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    /// });
    /// assert_eq!(sum, 4000);
    /// # Ok::<(), stroma_quotient::Error>(())
    /// ```
    pub fn iter_parts(&self, parts: usize) -> Vec<Iter<'_, K>> {
        let (parts, blocks) = (parts.max(1), self.block_count);
        let from = |part: usize| (blocks as u128 * part as u128 / parts as u128) as usize;
        (0..parts).map(|part| self.iter_blocks(from(part)..from(part + 1))).collect()
    }

    /// The keys whose quotients are in these blocks.
    fn iter_blocks(&self, range: Range<usize>) -> Iter<'_, K> {
        let slot = self.level.run(Start { filter: self, block: range.start });
        let blocks = self.blocks();
        let occupieds = if range.is_empty() { 0 } else { blocks.occupieds(range.start) };
        let ends = ends_from(&blocks, slot);
        Iter {
            blocks,
            division: self.division,
            block: range.start,
            occupieds,
            end: range.end,
            quotient: 0,
            slot,
            ends,
            in_run: false,
            left: None,
            keys: core::marker::PhantomData,
        }
    }
}

/// The run ends of a slot's block from the slot on; none beyond the last block.
#[inline(always)]
fn ends_from(blocks: &Blocks<&[u8]>, slot: usize) -> u64 {
    if slot / 64 < blocks.count() { blocks.runends(slot / 64) >> (slot % 64) } else { 0 }
}

impl<K> Iter<'_, K> {
    /// Goes on by some slots.
    #[inline(always)]
    fn step(&mut self, slots: usize) {
        let before = self.slot;
        self.slot += slots;
        if before / 64 == self.slot / 64 {
            self.ends >>= slots;
        } else {
            self.ends = ends_from(&self.blocks, self.slot);
        }
    }
}

/// Finds where the first run of a block begins.
struct Start<'a, K, S> {
    filter: &'a QuotientFilter<K, S>,
    block: usize,
}

impl<K: Key, S: AsRef<[u8]>> Work for Start<'_, K, S> {
    type Output = usize;

    #[inline(always)]
    fn run<C: Cpu>(self) -> usize {
        if self.block >= self.filter.block_count {
            return 0;
        }
        self.filter.blocks().run_start::<C>(self.block * 64).unwrap_or(0)
    }
}

impl<K: Key> Iterator for Iter<'_, K> {
    type Item = Entry<K>;

    #[inline]
    fn next(&mut self) -> Option<Entry<K>> {
        if !self.in_run {
            while self.occupieds == 0 {
                self.block += 1;
                if self.block >= self.end {
                    self.block = self.end;
                    return None;
                }
                self.occupieds = self.blocks.occupieds(self.block);
            }
            self.quotient = self.block * 64 + self.occupieds.trailing_zeros() as usize;
            self.occupieds &= self.occupieds - 1;
            if self.quotient > self.slot {
                self.slot = self.quotient;
                self.ends = ends_from(&self.blocks, self.slot);
            }
        }
        let (content, value_bits) = (self.blocks.slot::<K>(self.slot), self.division.value_bits);
        let low = K::mask(value_bits);
        let mut count = 1;
        if self.ends & 1 == 1 {
            self.in_run = false;
            self.step(1);
        } else {
            let spelled = self.blocks.spelled(self.slot, content | low);
            (count, self.in_run) = (spelled.count, !spelled.run_ends);
            self.step(spelled.length);
        }
        let key = self.division.join(self.quotient, content >> value_bits);
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        Some(Entry { key, count, value: (content & low).low() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let exact = self.left.and_then(|left| usize::try_from(left).ok());
        (exact.unwrap_or(0), exact)
    }
}

impl<'a, K: Key, S: AsRef<[u8]>> IntoIterator for &'a QuotientFilter<K, S> {
    type Item = Entry<K>;
    type IntoIter = Iter<'a, K>;

    fn into_iter(self) -> Iter<'a, K> {
        self.iter()
    }
}
