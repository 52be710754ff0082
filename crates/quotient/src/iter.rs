//! Walking all keys of a filter in order, or those of a range of quotients.

use core::hint::select_unpredictable as either;
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
    /// Its quotients not yet walked; the lowest is being walked.
    occupieds: u64,
    /// Quotients of this block and after it are not walked.
    end: usize,
    /// The next slot to read; where the next run begins at the earliest if no quotient is left in the block.
    slot: usize,
    /// The run ends of the block of the slot last read, and which block that is.
    ends: u64,
    ends_block: usize,
    /// How many keys are left, if `counted`.
    left: u64,
    counted: bool,
    keys: core::marker::PhantomData<K>,
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// All keys, by ascending key. O(slots) in all.
    pub fn iter(&self) -> Iter<'_, K> {
        Iter { left: self.distinct(), counted: true, ..self.iter_blocks(0..self.block_count) }
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
        let first = self.level.run(Start { filter: self, block: range.start });
        let blocks = self.blocks();
        let occupieds = if range.is_empty() { 0 } else { blocks.occupieds(range.start) };
        let slot = first.max(range.start * 64 + occupieds.trailing_zeros() as usize);
        Iter {
            blocks,
            division: self.division,
            block: range.start,
            occupieds,
            end: range.end,
            slot,
            ends: 0,
            ends_block: usize::MAX,
            left: 0,
            counted: false,
            keys: core::marker::PhantomData,
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

    #[inline(always)]
    fn next(&mut self) -> Option<Entry<K>> {
        while self.occupieds == 0 {
            self.block += 1;
            if self.block >= self.end {
                self.block = self.end;
                return None;
            }
            self.occupieds = self.blocks.occupieds(self.block);
            // Where there is none, the next block begins: no run begins before it.
            self.slot = self.slot.max(self.block * 64 + self.occupieds.trailing_zeros() as usize);
        }
        let quotient = self.block * 64 + self.occupieds.trailing_zeros() as usize;
        // If the run ends here: the quotients that are left, and where the next run begins at the earliest.
        let left = self.occupieds & (self.occupieds - 1);
        let next_home = self.block * 64 + left.trailing_zeros() as usize;
        let (block, at) = (self.slot / 64, (self.slot % 64) as u32);
        if block != self.ends_block {
            (self.ends_block, self.ends) = (block, self.blocks.runends(block));
        }
        let (value_bits, low) = (self.division.value_bits, K::from(self.division.value_mask));
        let content = self.blocks.slot_of::<K>(block, at);
        let next = self.blocks.slot_of::<K>(block, at + 1);
        // Whether a run ends is as good as random, so nothing branches on it: if it does, `next` becomes more than
        // any slot. After the block's last slot lies something else.
        let mut run_ends = self.ends >> at & 1;
        let (mut count, mut after) = (1, self.slot + 1);
        if next | K::ZERO.wrapping_sub(K::from(run_ends)) <= content | low || at == 63 {
            let spelled = self.blocks.spelled(self.slot, content | low);
            (count, after, run_ends) =
                (spelled.count, self.slot + spelled.length, u64::from(spelled.run_ends));
        }
        self.slot = either(run_ends == 1, either(after > next_home, after, next_home), after);
        self.occupieds = either(run_ends == 1, left, self.occupieds);
        self.left = self.left.wrapping_sub(1);
        let key = self.division.join(quotient, content >> value_bits);
        Some(Entry { key, count, value: (content & low).low() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let exact = usize::try_from(self.left).ok().filter(|_| self.counted);
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
