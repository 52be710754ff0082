//! Walking all keys of a filter in order, or those of a range of quotients.

use core::hint::select_unpredictable as either;
use core::ops::Range;

use crate::blocks::Blocks;
use crate::machine::{Cpu, Level, Sight, Work};
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
    /// The block of the slot last read, its run ends, and the block itself if it can be read in haste.
    slot_block: usize,
    ends: u64,
    sight: Option<Sight<'a, K>>,
    level: Level,
    /// How many keys are left, if `counted`.
    left: u64,
    counted: bool,
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
            slot_block: usize::MAX,
            ends: 0,
            sight: None,
            level: self.level,
            left: 0,
            counted: false,
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

impl<K: Key> Iter<'_, K> {
    /// Fills places from the front with the next keys, in the version for this processor; how many.
    pub(crate) fn fill(&mut self, places: &mut [Entry<K>]) -> usize {
        self.level.run(Fill { keys: self, places })
    }
}

struct Fill<'a, 'b, K> {
    keys: &'a mut Iter<'b, K>,
    places: &'a mut [Entry<K>],
}

impl<K: Key> Work for Fill<'_, '_, K> {
    type Output = usize;

    #[inline(always)]
    fn run<C: Cpu>(self) -> usize {
        let mut count = 0;
        for place in self.places {
            let Some(entry) = self.keys.next() else { break };
            *place = entry;
            count += 1;
        }
        count
    }
}

struct Fold<'a, K, A, F> {
    keys: Iter<'a, K>,
    from: A,
    each: F,
}

impl<K: Key, A, F: FnMut(A, Entry<K>) -> A> Work for Fold<'_, K, A, F> {
    type Output = A;

    #[inline(always)]
    fn run<C: Cpu>(self) -> A {
        let Self { keys, from: mut sum, mut each } = self;
        for entry in keys {
            sum = each(sum, entry);
        }
        sum
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
        if block != self.slot_block {
            (self.slot_block, self.ends) = (block, self.blocks.runends(block));
            self.sight = self.blocks.one_for_long(block);
        }
        let (value_bits, low) = (self.division.value_bits, K::from(self.division.value_mask));
        let (content, next) = match self.sight {
            Some(sight) => (sight.slot(at), sight.slot(at + 1)),
            None => (self.blocks.slot_of::<K>(block, at), self.blocks.slot_of::<K>(block, at + 1)),
        };
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

    /// In the version for this processor, other than one key at a time.
    #[inline]
    fn fold<A, F: FnMut(A, Entry<K>) -> A>(self, from: A, each: F) -> A {
        self.level.run(Fold { keys: self, from, each })
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
