//! A stored filter in which each key is counted once, read where it lies, without a look at its slots before.
//!
//! [`QuotientFilter::open`] walks over all slots, so that nothing that is asked later can go wrong. Who opens
//! thousands of filters to ask each a few questions, or to walk along each once, pays more for that than for
//! what was asked. Here every read holds its own bounds instead.

use core::hint::select_unpredictable as either;

use crate::blocks::Blocks;
use crate::format::check_frame;
use crate::machine::{Cpu, Level, Sight, Work};
use crate::shape::Division;
use crate::{Error, Key, QuotientFilter, Shape};

/// A stored filter whose keys are all counted once: a set, or a map to values of fixed width, to be read.
///
/// Only the frame is checked when it is opened, so the bytes should have been verified by a checksum of their
/// own. Of slots that were forged under right checksums the answers may be wrong, but never is there a panic or
/// a walk without end.
///
/// ```
/// use stroma_quotient::{Builder, Entry, Shape, StoredMap};
///
/// let mut builder = Builder::to_writer(Shape::for_slots(3, 40)?.with_value_bits(8), Vec::new())?;
/// for (key, value) in [(5, 50), (1 << 30, 60), (1 << 39, 70)] {
///     builder.push_entry(Entry { key, count: 1, value })?;
/// }
/// let bytes = builder.finish_writing()?;
/// let map = StoredMap::<u64>::open(&bytes)?;
/// assert_eq!((map.len(), map.get(1 << 30), map.get(6)), (3, Some(60), None));
/// let mut walk = map.walk();
/// let mut found = Vec::new();
/// walk.each_below(Some(1 << 39), |key, value| found.push((key, value)));
/// assert_eq!(found, [(5, 50), (1 << 30, 60)]);
/// assert_eq!(walk.next(), Some((1 << 39, 70)));
/// # Ok::<(), stroma_quotient::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoredMap<'a, K> {
    filter: QuotientFilter<K, &'a [u8]>,
}

impl<'a, K: Key> StoredMap<'a, K> {
    /// Opens a stored filter. O(1): header, footer and length are checked, checksums of the slots and the slots
    /// are not.
    ///
    /// # Errors
    /// As [`QuotientFilter::open`]; [`Error::Inconsistent`] also where a key is counted more than once.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let (shape, totals) = check_frame::<K>(bytes)?;
        let filter = QuotientFilter::from_checked(shape, bytes, totals)?;
        if totals.distinct != totals.total || totals.distinct != totals.used {
            return Err(Error::Inconsistent { slot: 0, what: "a key that is counted more than once" });
        }
        if totals.used > filter.blocks().slots() as u64 {
            return Err(Error::Inconsistent { slot: 0, what: "more keys than slots" });
        }
        Ok(StoredMap { filter })
    }

    /// Checks all that was not checked at opening, as [`QuotientFilter::open`] does. O(slots).
    ///
    /// # Errors
    /// As there.
    pub fn verify(&self) -> Result<(), Error> {
        QuotientFilter::<K, &[u8]>::open(self.filter.store).map(drop)
    }

    /// Widths and number of slots.
    pub fn shape(&self) -> Shape {
        self.filter.shape()
    }

    /// Number of keys.
    pub fn len(&self) -> u64 {
        self.filter.distinct()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// The value of a key; none where it is not there.
    #[inline]
    pub fn get(&self, key: K) -> Option<u64> {
        let found = self.filter.get(key);
        (found.count > 0).then_some(found.value)
    }

    /// Hands out the value of each of some keys, in their order. Much faster than one call a key where the
    /// filter is larger than the processor's caches.
    #[inline]
    pub fn get_each(&self, keys: &[K], mut each: impl FnMut(K, Option<u64>)) {
        self.filter.each_found(keys, |key, found| each(key, (found.count > 0).then_some(found.value)));
    }

    /// All keys, ascending, with their values.
    pub fn walk(&self) -> Walk<'a, K> {
        let Self { filter } = self;
        let bytes = &filter.store[crate::format::HEADER_BYTES..];
        let blocks = Blocks::new(bytes, &filter.division, filter.block_count, true);
        let place = Place { block: 0, occupieds: blocks.occupieds(0), slot: 0, left: filter.distinct() };
        let walk = Walk { blocks, division: filter.division, level: filter.level, place, next: None };
        walk.begun()
    }
}

/// The keys of a [`StoredMap`] with their values, by ascending key.
///
/// Keys ascend strictly and have no more bits than the filter's, whatever the slots are: a walk along forged
/// ones ends where they break that rule, before it handed out as many keys as it [said](Self::left).
#[derive(Clone)]
pub struct Walk<'a, K> {
    blocks: Blocks<&'a [u8]>,
    division: Division,
    level: Level,
    place: Place,
    /// The next key and its value, read already.
    next: Option<(K, u64)>,
}

/// How far a walk has come.
#[derive(Clone, Copy)]
struct Place {
    /// The block of home slots being walked, and its quotients not yet walked; the lowest is being walked.
    block: usize,
    occupieds: u64,
    /// The next slot to read.
    slot: usize,
    /// Keys not yet read.
    left: u64,
}

impl<K: Key> Walk<'_, K> {
    /// How many keys there are still to be, by what the filter says of itself.
    pub fn left(&self) -> u64 {
        self.place.left + u64::from(self.next.is_some())
    }

    /// Hands out all keys below the limit, or all that are left. The fastest way to walk.
    #[inline]
    pub fn each_below(&mut self, limit: Option<K>, each: impl FnMut(K, u64)) {
        self.level.run(Below { walk: self, limit, each });
    }

    fn begun(mut self) -> Self {
        let (first, place) = Steps::new(&self, None).next(self.place);
        (self.next, self.place) = (first, place);
        self
    }
}

impl<K: Key> Iterator for Walk<'_, K> {
    type Item = (K, u64);

    fn next(&mut self) -> Option<(K, u64)> {
        let next = self.next?;
        let (after, place) = Steps::new(self, Some(next.0)).next(self.place);
        (self.next, self.place) = (after, place);
        Some(next)
    }
}

struct Below<'a, 'b, K, F> {
    walk: &'a mut Walk<'b, K>,
    limit: Option<K>,
    each: F,
}

impl<K: Key, F: FnMut(K, u64)> Work for Below<'_, '_, K, F> {
    type Output = ();

    #[inline(always)]
    fn run<C: Cpu>(self) {
        let Self { walk, limit, mut each } = self;
        let Some((mut key, mut value)) = walk.next else { return };
        let last = match limit {
            None => K::MAX,
            Some(limit) if limit > K::ZERO => limit - K::from(1),
            Some(_) => return,
        };
        let (mut place, mut steps) = (walk.place, Steps::new(walk, Some(key)));
        walk.next = loop {
            if key > last {
                break Some((key, value));
            }
            each(key, value);
            let (next, after) = steps.next(place);
            place = after;
            match next {
                Some(next) => (key, value) = next,
                None => break None,
            }
        };
        walk.place = place;
    }
}

/// Goes from key to key.
struct Steps<'a, K> {
    blocks: Blocks<&'a [u8]>,
    division: Division,
    value_mask: K,
    /// The block of the slot last read, its run ends, and the block itself if it can be read in haste.
    slot_block: usize,
    ends: u64,
    sight: Option<Sight<'a, K>>,
    greatest: K,
    previous: Option<K>,
}

impl<'a, K: Key> Steps<'a, K> {
    #[inline(always)]
    fn new(walk: &Walk<'a, K>, previous: Option<K>) -> Self {
        let division = walk.division;
        Self {
            blocks: walk.blocks,
            division,
            value_mask: K::from(division.value_mask),
            slot_block: usize::MAX,
            ends: 0,
            sight: None,
            greatest: K::mask(division.key_bits),
            previous,
        }
    }

    /// The next key with its value, and how far that is; none at the end, and where the slots cannot be those
    /// of a filter.
    #[inline(always)]
    fn next(&mut self, at: Place) -> (Option<(K, u64)>, Place) {
        let Place { mut block, mut occupieds, mut slot, left } = at;
        if left == 0 {
            return (None, at);
        }
        while occupieds == 0 {
            block += 1;
            if block >= self.blocks.count() {
                return (None, at);
            }
            occupieds = self.blocks.occupieds(block);
            slot = slot.max(block * 64);
        }
        let home = block * 64 + occupieds.trailing_zeros() as usize;
        slot = either(slot > home, slot, home);
        let (slot_block, within) = (slot / 64, (slot % 64) as u32);
        if slot_block != self.slot_block {
            if slot_block >= self.blocks.count() {
                return (None, at);
            }
            (self.slot_block, self.ends) = (slot_block, self.blocks.runends(slot_block));
            self.sight = self.blocks.one_for_long(slot_block);
        }
        let content = match self.sight {
            Some(sight) => sight.slot(within),
            None => self.blocks.slot_of::<K>(slot_block, within),
        };
        let key = self.division.join_wrapping(home, content >> self.division.value_bits);
        if self.previous.is_some_and(|previous| key <= previous) || key > self.greatest {
            return (None, at);
        }
        self.previous = Some(key);
        // Whether a run ends is as good as random, so nothing branches on it.
        let run_ends = self.ends >> within & 1 == 1;
        occupieds = either(run_ends, occupieds & (occupieds - 1), occupieds);
        let value = (content & self.value_mask).low();
        (Some((key, value)), Place { block, occupieds, slot: slot + 1, left: left - 1 })
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;
    use crate::{Entry, InvertibleHash, SortedBuilder, WideInvertibleHash};

    fn stored<K: Key>(entries: &[(K, u64)], key_bits: u32, value_bits: u32) -> Vec<u8> {
        let shape =
            Shape::for_slots(entries.len() as u64, key_bits).expect("fits").with_value_bits(value_bits);
        let mut builder = SortedBuilder::to_writer(shape, Vec::new()).expect("fits");
        for &(key, value) in entries {
            builder.push_entry(Entry { key, count: 1, value }).expect("room");
        }
        builder.finish_writing().expect("memory")
    }

    fn entries<K: Key>(count: u64, value_bits: u32, hash: impl Fn(u64) -> K) -> Vec<(K, u64)> {
        let value = |key: K| key.low().wrapping_mul(0x9e37_79b9_7f4a_7c15) & <u64 as Key>::mask(value_bits);
        let mut entries: Vec<(K, u64)> = (0..count).map(|key| (hash(key), value(hash(key)))).collect();
        entries.sort_unstable();
        entries
    }

    fn reads_back<K: Key>(entries: &[(K, u64)], key_bits: u32, value_bits: u32) {
        let bytes = stored(entries, key_bits, value_bits);
        let map = StoredMap::<K>::open(&bytes).expect("sound");
        map.verify().expect("sound");
        assert_eq!(map.len(), entries.len() as u64);
        assert!(map.walk().eq(entries.iter().copied()));
        assert!(entries.iter().all(|&(key, value)| map.get(key) == Some(value)));
        let absent: Vec<K> = entries.iter().map(|&(key, _)| key ^ K::from(1)).collect();
        map.get_each(&absent, |key, value| {
            let there = entries.binary_search_by_key(&key, |&(key, _)| key).ok();
            assert_eq!(value, there.map(|at| entries[at].1));
        });
        let (mut walk, mut found) = (map.walk(), Vec::new());
        for part in 0..=64_u64 {
            assert_eq!(walk.left() + found.len() as u64, map.len());
            let limit = (part < 64).then(|| (K::mask(key_bits) >> 6).wrapping_mul(K::from(part)));
            walk.each_below(limit, |key, value| found.push((key, value)));
            assert!(limit.is_none_or(|limit| found.iter().all(|&(key, _)| key < limit)));
        }
        assert_eq!((found.as_slice(), walk.left()), (entries, 0));
    }

    #[test]
    fn what_was_stored_is_read_back() {
        for count in [0, 1, 2, 63, 64, 65, 1000, 20_000] {
            for value_bits in [0, 1, 17] {
                let narrow = InvertibleHash::new(46, 1);
                reads_back(&entries(count, value_bits, |key| narrow.hash(key)), 46, value_bits);
                // Slots too wide to be read at once.
                let wide = WideInvertibleHash::new(126 - value_bits, 1);
                let hash = |key| wide.hash(u128::from(key));
                reads_back(&entries(count, value_bits, hash), 126 - value_bits, value_bits);
            }
            reads_back(&entries(count, 0, |key| key * 3), 62, 0);
        }
    }

    /// Makes the checksums of the slots and of the footer right again.
    fn reseal(bytes: &mut [u8]) {
        let end = bytes.len() - crate::format::FOOTER_BYTES;
        let slots = xxh3_64(&bytes[crate::format::HEADER_BYTES..end]);
        bytes[end + 24..end + 32].copy_from_slice(&slots.to_le_bytes());
        let footer = xxh3_64(&bytes[end..end + 32]);
        bytes[end + 32..].copy_from_slice(&footer.to_le_bytes());
    }

    /// Forged, first under wrong checksums and then under right ones.
    #[test]
    fn forged_slots_do_no_harm() {
        let mix = InvertibleHash::new(30, 1);
        let bytes = stored(&entries(300, 4, |key| mix.hash(key)), 30, 4);
        let end = bytes.len() - crate::format::FOOTER_BYTES;
        let (mut state, mut verified) = (1_u64, 0);
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize
        };
        let keys: Vec<u64> = (0..1 << 30).step_by(1 << 20).collect();
        for round in 0..3000 {
            let mut forged = bytes.clone();
            for _ in 0..1 + round % 200 {
                forged[crate::format::HEADER_BYTES + random() % (end - crate::format::HEADER_BYTES)] =
                    if random() % 4 == 0 { 0xff } else { random() as u8 };
            }
            let map = StoredMap::<u64>::open(&forged).expect("the frame is whole");
            assert!(map.verify().is_err(), "the checksum of the slots");
            reseal(&mut forged);
            let map = StoredMap::<u64>::open(&forged).expect("the frame is whole");
            let walked: Vec<(u64, u64)> = map.walk().collect();
            assert!(walked.len() <= 300 && walked.is_sorted_by(|a, b| a.0 < b.0));
            assert!(walked.iter().all(|(key, _)| key >> 30 == 0));
            map.get_each(&keys, |key, value| assert_eq!(value, map.get(key)));
            if map.verify().is_ok() {
                verified += 1;
                assert_eq!(walked.len() as u64, map.len());
                assert!(walked.iter().all(|&(key, value)| map.get(key) == Some(value)));
            }
        }
        assert!(verified > 0, "none of them kept the rules of filters");
    }

    #[test]
    fn counts_are_refused() {
        let mut builder =
            crate::Builder::to_writer(Shape::new(20, 64).expect("fits"), Vec::new()).expect("fits");
        builder.push(7, 2).expect("room");
        let bytes = builder.finish_writing().expect("memory");
        assert!(matches!(StoredMap::<u64>::open(&bytes), Err(Error::Inconsistent { .. })));
    }
}
