//! The colour-set table: each different set of samples once, most of them as a small difference to another.
//!
//! Neighbouring k-mers of related genomes belong to similar sets of samples, so that most are a few colours away from
//! another one. Here a set is compared, as it comes, with five candidates: no sample, all samples, the set before it,
//! and the last sets that share one of two min-hashes with it (two sets share one with a probability of their Jaccard
//! similarity; Broder, 1997). The nearest becomes its parent. At the end, when all are known, parents are chosen
//! again along a [spanning tree](super::colour_tree), and each set gets the shortest of its codings: a list, what it
//! lacks, a bitmap, or the difference to its parent. Paths to a root are at most [`DEEPEST`] long, so that any set
//! can be decoded by its id alone in bounded time: where a candidate is too deep, its ancestor half-way up stands in
//! for it.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use xxhash_rust::xxh3::xxh3_64;

use super::LayerError;
use super::colour_tree::{DecodedSets, Parent};
use super::packed::{Packed, PackedBuffer, width_for};
use crate::hash::WordHasher;

/// Most differences between a set and its root.
const DEEPEST: u8 = 12;

/// Entry begins with this: the set is given in full.
const BASE_EMPTY: u64 = 0;
/// Entry begins with this: the set is given as what it lacks.
const BASE_ALL: u64 = 1;
/// Entry begins with this: the set is given as a bitmap, lowest colour in the lowest bit of the first byte.
const BASE_BITMAP: u64 = 2;
/// Entry begins with this plus twice the distance (in ids, less 1) to another set, plus 1 for a later one.
const BASE_OTHER: u64 = 3;

/// The number by which an entry names another set.
fn base_for(id: u32, parent: u32) -> u64 {
    BASE_OTHER + 2 * (u64::from(id.abs_diff(parent)) - 1) + u64::from(parent > id)
}

/// The set that an entry names; none where there can be no such set.
fn named_by(id: u32, base: u64) -> Option<u32> {
    let named = base.checked_sub(BASE_OTHER)?;
    let distance = u32::try_from(named / 2 + 1).ok()?;
    if named % 2 == 1 { id.checked_add(distance) } else { id.checked_sub(distance) }
}

/// A set of a layer's colours as a bitmap. Colours are numbered from 0 within the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColourSet {
    words: Vec<u64>,
    colours: u32,
}

impl ColourSet {
    /// The empty set out of `colours` colours.
    pub(crate) fn empty(colours: u32) -> Self {
        ColourSet { words: vec![0; (colours as usize).div_ceil(64)], colours }
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Becomes the set of these words, each exclusive-or `flips`.
    pub(super) fn assign(&mut self, words: &[u64], flips: u64) {
        self.words.clear();
        self.words.extend(words.iter().map(|word| word ^ flips));
        self.clip();
    }

    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
    }

    fn fill(&mut self) {
        self.words.fill(u64::MAX);
        self.clip();
    }

    /// Clears the bits beyond the last colour.
    fn clip(&mut self) {
        let excess = self.words.len() * 64 - self.colours as usize;
        if let Some(last) = self.words.last_mut() {
            *last &= u64::MAX >> excess;
        }
    }

    /// Adds a colour; one out of range is left out.
    pub(crate) fn insert(&mut self, colour: u32) {
        if colour < self.colours {
            self.words[colour as usize / 64] |= 1 << (colour % 64);
        }
    }

    /// Whether a colour is in the set.
    pub(crate) fn contains(&self, colour: u32) -> bool {
        self.words.get(colour as usize / 64).is_some_and(|word| word >> (colour % 64) & 1 == 1)
    }

    fn toggle(&mut self, colour: u32) {
        self.words[colour as usize / 64] ^= 1 << (colour % 64);
    }

    fn toggle_all(&mut self, other: &ColourSet) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word ^= other);
    }

    /// Toggles the colours of a bitmap that must have just the bytes and colours that this set has.
    fn toggle_bitmap(&mut self, bytes: &[u8]) -> Option<()> {
        let last_bits = self.colours % 8;
        let excess = last_bits != 0 && bytes.last().is_some_and(|&last| last >> last_bits != 0);
        if bytes.len() != self.colours.div_ceil(8) as usize || excess {
            return None;
        }
        for (word, chunk) in self.words.iter_mut().zip(bytes.chunks(8)) {
            let mut own = [0; 8];
            own[..chunk.len()].copy_from_slice(chunk);
            *word ^= u64::from_le_bytes(own);
        }
        Some(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The colours in the set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let without_lowest = |&rest: &u64| Some(rest & (rest - 1)).filter(|&rest| rest != 0);
            std::iter::successors(Some(word).filter(|&word| word != 0), without_lowest)
                .map(move |rest| at as u32 * 64 + rest.trailing_zeros())
        })
    }

    fn hash(&self) -> u64 {
        xxh3_64(zerocopy::IntoBytes::as_bytes(self.words.as_slice()))
    }

    /// The colour with the smallest hash: equal for two sets with a probability of their Jaccard similarity.
    pub(super) fn min_hash(&self, seed: u64) -> Option<u32> {
        let hash =
            |colour: u32| (u64::from(colour) + 1).wrapping_mul(seed).rotate_left(29).wrapping_mul(seed);
        self.iter().min_by_key(|&colour| hash(colour))
    }
}

pub(super) const MIN_HASH_SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

/// Collects the different sets of one layer and gives each an id, in order of appearance.
#[derive(Debug)]
pub(crate) struct ColourTableBuilder {
    colours: u32,
    encoded: Vec<u8>,
    /// Start of each set's entry, and the end of the last.
    offsets: Vec<u64>,
    depths: Vec<u8>,
    /// The parent of each set; a root is its own.
    parents: Vec<u32>,
    /// Hash of a set (counted up where two differ) to its id.
    ids: HashMap<u64, u32, BuildHasherDefault<WordHasher>>,
    /// For each min-hash seed, the last set of each signature.
    recent: [HashMap<u32, u32, BuildHasherDefault<WordHasher>>; 2],
    scratch: ColourSet,
}

/// The finished table: what goes into the file.
pub(super) struct EncodedTable {
    pub(super) sets: Vec<u8>,
    pub(super) offsets: PackedBuffer,
    pub(super) set_count: u32,
}

impl ColourTableBuilder {
    pub(super) fn new(colours: u32) -> Self {
        ColourTableBuilder {
            colours,
            encoded: Vec::new(),
            offsets: vec![0],
            depths: Vec::new(),
            parents: Vec::new(),
            ids: HashMap::default(),
            recent: [HashMap::default(), HashMap::default()],
            scratch: ColourSet::empty(colours),
        }
    }

    /// The id of a set, the same for equal sets.
    pub(crate) fn id_of(&mut self, set: &ColourSet) -> Result<u32, LayerError> {
        let mut hash = set.hash();
        loop {
            match self.ids.get(&hash) {
                None => break,
                Some(&id) => {
                    let mut known = std::mem::replace(&mut self.scratch, ColourSet::empty(0));
                    self.decode(id, &mut known);
                    let same = known == *set;
                    self.scratch = known;
                    if same {
                        return Ok(id);
                    }
                    hash = hash.wrapping_add(1);
                }
            }
        }
        let limit = u64::from(u32::MAX);
        let id = u32::try_from(self.depths.len()).ok().filter(|&id| id < u32::MAX);
        let id = id.ok_or(LayerError::TooMany { what: "different sets of samples", limit })?;
        self.ids.insert(hash, id);
        self.append(id, set);
        Ok(id)
    }

    /// Appends the entry of a new set under the nearest of its candidate parents.
    fn append(&mut self, id: u32, set: &ColourSet) {
        let signatures = MIN_HASH_SEEDS.map(|seed| set.min_hash(seed));
        let alike = signatures.iter().zip(&self.recent).filter_map(|(s, recent)| recent.get(&(*s)?).copied());
        let (mut parent, mut base, mut difference) = (id, BASE_EMPTY, set.clone());
        let mut other = ColourSet::empty(self.colours);
        other.fill();
        other.toggle_all(set);
        if other.len() < difference.len() {
            base = BASE_ALL;
            std::mem::swap(&mut difference, &mut other);
        }
        for candidate in alike.chain(id.checked_sub(1)) {
            let candidate = self.shallow_ancestor(candidate);
            self.decode(candidate, &mut other);
            other.toggle_all(set);
            if other.len() < difference.len() {
                (parent, base) = (candidate, base_for(id, candidate));
                std::mem::swap(&mut difference, &mut other);
            }
        }
        if difference.len() > self.colours.div_ceil(8) {
            parent = id;
            push_bitmap(&mut self.encoded, set);
        } else {
            push_varint(&mut self.encoded, base);
            push_list(&mut self.encoded, &difference);
        }
        self.offsets.push(self.encoded.len() as u64);
        self.depths.push(if parent == id { 0 } else { self.depths[parent as usize] + 1 });
        self.parents.push(parent);
        for (signature, recent) in signatures.iter().zip(&mut self.recent) {
            signature.map(|signature| recent.insert(signature, id));
        }
    }

    /// The set itself where it may have children, else its ancestor half-way up.
    fn shallow_ancestor(&self, mut id: u32) -> u32 {
        if self.depths[id as usize] == DEEPEST {
            for _ in 0..DEEPEST / 2 {
                id = self.parents[id as usize];
            }
        }
        id
    }

    /// Decodes a set of this builder's own.
    fn decode(&self, id: u32, into: &mut ColourSet) {
        let entry = |id: u32| {
            let (start, end) = (self.offsets[id as usize], self.offsets[id as usize + 1]);
            self.encoded.get(start as usize..end as usize)
        };
        let decoded = decode(id, self.colours, entry, into);
        debug_assert!(decoded.is_some(), "the builder encoded set {id} itself");
    }

    pub(super) fn finish(mut self) -> EncodedTable {
        self.encode_again();
        let width = width_for(self.encoded.len() as u64);
        EncodedTable {
            offsets: PackedBuffer::from_values(self.offsets.iter().copied(), width),
            sets: self.encoded,
            set_count: self.depths.len() as u32,
        }
    }
}

impl ColourTableBuilder {
    /// Encodes all sets once more, each in the shortest of its codings, with parents along a spanning tree; unless they
    /// are too many to be compared.
    fn encode_again(&mut self) {
        let sets = self.depths.len();
        let Some(mut decoded) = DecodedSets::with_room_for(sets, self.colours) else { return };
        let mut set = ColourSet::empty(self.colours);
        for id in 0..sets as u32 {
            self.decode(id, &mut set);
            decoded.push(&set);
        }
        let (mut encoded, mut offsets) = (Vec::new(), vec![0]);
        let (mut other, mut shortest, mut entry) = (set.clone(), Vec::new(), Vec::new());
        for (id, parent) in (0..).zip(decoded.tree(DEEPEST)) {
            set.assign(decoded.set(id), 0);
            shortest.clear();
            push_bitmap(&mut shortest, &set);
            for base in [Parent::Empty, Parent::All, parent] {
                let number = match base {
                    Parent::Empty => BASE_EMPTY,
                    Parent::All => BASE_ALL,
                    Parent::Set(parent) => base_for(id, parent),
                };
                match base {
                    Parent::Empty => other.clear(),
                    Parent::All => other.fill(),
                    Parent::Set(parent) => other.assign(decoded.set(parent), 0),
                }
                other.toggle_all(&set);
                if other.len() as usize >= shortest.len() {
                    continue;
                }
                entry.clear();
                push_varint(&mut entry, number);
                push_list(&mut entry, &other);
                if entry.len() < shortest.len() {
                    std::mem::swap(&mut entry, &mut shortest);
                }
            }
            encoded.extend_from_slice(&shortest);
            offsets.push(encoded.len() as u64);
        }
        if encoded.len() < self.encoded.len() {
            (self.encoded, self.offsets) = (encoded, offsets);
        }
    }
}

/// A layer's table in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColourTable<'a> {
    pub(super) sets: &'a [u8],
    pub(super) offsets: Packed<'a>,
    pub(super) colours: u32,
}

impl ColourTable<'_> {
    /// Decodes the set of an id; `None` when id or bytes make no sense.
    pub(super) fn decode(&self, id: u32, into: &mut ColourSet) -> Option<()> {
        let entry = |id: u32| {
            let at = id as usize;
            if at + 1 >= self.offsets.len() {
                return None;
            }
            self.sets.get(self.offsets.get(at) as usize..self.offsets.get(at + 1) as usize)
        };
        decode(id, self.colours, entry, into)
    }
}

/// Follows a set to its root, toggling the differences on the way.
fn decode<'a>(
    id: u32,
    colours: u32,
    entry: impl Fn(u32) -> Option<&'a [u8]>,
    into: &mut ColourSet,
) -> Option<()> {
    into.colours = colours;
    into.words.resize((colours as usize).div_ceil(64), 0);
    into.clear();
    let mut at = id;
    for _ in 0..=DEEPEST {
        let mut rest = entry(at)?;
        let base = take_varint(&mut rest)?;
        if base == BASE_BITMAP {
            return into.toggle_bitmap(rest);
        }
        let mut next: u64 = 0;
        while !rest.is_empty() {
            let colour = next.checked_add(take_varint(&mut rest)?)?;
            if colour >= u64::from(colours) {
                return None;
            }
            into.toggle(colour as u32);
            next = colour + 1;
        }
        match base {
            BASE_EMPTY => return Some(()),
            BASE_ALL => {
                let mut all = ColourSet::empty(colours);
                all.fill();
                into.toggle_all(&all);
                return Some(());
            }
            other => at = named_by(at, other)?,
        }
    }
    None
}

/// An entry that is a bitmap.
fn push_bitmap(into: &mut Vec<u8>, set: &ColourSet) {
    push_varint(into, BASE_BITMAP);
    let bytes = set.words.iter().flat_map(|word| word.to_le_bytes());
    into.extend(bytes.take(set.colours.div_ceil(8) as usize));
}

/// The colours as distances, each from the one after its predecessor.
fn push_list(into: &mut Vec<u8>, set: &ColourSet) {
    let mut next = 0;
    for colour in set.iter() {
        push_varint(into, u64::from(colour - next));
        next = colour + 1;
    }
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
fn push_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(colours: u32, members: impl IntoIterator<Item = u32>) -> ColourSet {
        let mut set = ColourSet::empty(colours);
        members.into_iter().for_each(|colour| set.insert(colour));
        set
    }

    fn noise(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 33
    }

    #[test]
    fn sets_come_back_under_their_ids_and_equal_ones_share_one() {
        for colours in [1, 2, 63, 64, 65, 300] {
            let mut state = u64::from(colours);
            let mut builder = ColourTableBuilder::new(colours);
            let mut current = set(colours, []);
            let mut kept: Vec<(u32, ColourSet)> = Vec::new();
            for round in 0..400 {
                if round % 50 == 0 {
                    current = set(colours, (0..colours).filter(|_| noise(&mut state).is_multiple_of(3)));
                }
                current.toggle((noise(&mut state) % u64::from(colours)) as u32);
                kept.push((builder.id_of(&current).expect("room"), current.clone()));
            }
            let different: std::collections::BTreeSet<Vec<u32>> =
                kept.iter().map(|(_, set)| set.iter().collect()).collect();
            assert_eq!(different.len(), builder.depths.len());
            let encoded = builder.finish();
            let count = u64::from(encoded.set_count) + 1;
            let offsets = Packed::new(&encoded.offsets.bytes, encoded.offsets.width, count).expect("whole");
            let table = ColourTable { sets: &encoded.sets, offsets, colours };
            let mut decoded = ColourSet::empty(0);
            for (id, set) in &kept {
                assert_eq!(table.decode(*id, &mut decoded), Some(()));
                assert_eq!(decoded, *set);
            }
            assert_eq!(table.decode(encoded.set_count, &mut decoded), None);
        }
    }

    #[test]
    fn related_sets_cost_few_bytes() {
        let mut state = 5;
        let mut builder = ColourTableBuilder::new(1000);
        let mut current = set(1000, (0..1000).filter(|_| noise(&mut state).is_multiple_of(2)));
        for _ in 0..500 {
            current.toggle((noise(&mut state) % 1000) as u32);
            builder.id_of(&current).expect("room");
        }
        // Some 500 colours a set would cost 500 bytes each as a list and 125 as a bitmap.
        assert!(builder.encoded.len() < 500 * 16, "{} bytes", builder.encoded.len());
    }

    #[test]
    fn a_tree_makes_sets_that_come_in_any_order_shorter() {
        // Sets of a family tree: each is a half of the one above, and some lack a member.
        let mut state = 9;
        let mut family = vec![(0_u32, 128_u32)];
        let mut sets = Vec::new();
        while let Some((start, end)) = family.pop() {
            let whole = set(128, start..end);
            for _ in 0..6 {
                let mut lacking = whole.clone();
                lacking.toggle(start + noise(&mut state) as u32 % (end - start));
                sets.push(lacking);
            }
            sets.push(whole);
            if end - start > 1 {
                let middle = (start + end) / 2;
                family.extend([(start, middle), (middle, end)]);
            }
        }
        (1..sets.len()).for_each(|at| sets.swap(at, noise(&mut state) as usize % (at + 1)));
        let mut builder = ColourTableBuilder::new(128);
        let ids: Vec<u32> = sets.iter().map(|set| builder.id_of(set).expect("room")).collect();
        let before = builder.encoded.len();
        let encoded = builder.finish();
        assert!(encoded.sets.len() * 4 < before * 3, "{} of {before} bytes", encoded.sets.len());
        let count = u64::from(encoded.set_count) + 1;
        let offsets = Packed::new(&encoded.offsets.bytes, encoded.offsets.width, count).expect("whole");
        let table = ColourTable { sets: &encoded.sets, offsets, colours: 128 };
        let mut decoded = ColourSet::empty(0);
        for (id, set) in ids.iter().zip(&sets) {
            assert_eq!(table.decode(*id, &mut decoded), Some(()));
            assert_eq!(decoded, *set);
        }
    }

    #[test]
    fn other_sets_are_named_whether_earlier_or_later() {
        for (id, parent) in [(0, 1), (1, 0), (7, 3), (3, 7), (0, u32::MAX), (u32::MAX, 0)] {
            assert_eq!(named_by(id, base_for(id, parent)), Some(parent));
        }
        assert_eq!(named_by(0, BASE_OTHER), None);
        assert_eq!(named_by(u32::MAX, BASE_OTHER + 1), None);
        assert_eq!(named_by(5, u64::MAX), None);
    }

    #[test]
    fn hostile_entries_are_refused() {
        let tables: [&[u8]; 9] = [
            &[],
            &[0, 9],
            &[3],
            &[4],
            &[5],
            &[2, 8],
            &[2],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0, 0x80],
        ];
        for sets in tables {
            let offsets = PackedBuffer::from_values([0, sets.len() as u64].into_iter(), 8);
            let offsets = Packed::new(&offsets.bytes, 8, 2).expect("whole");
            let table = ColourTable { sets, offsets, colours: 3 };
            assert_eq!(table.decode(0, &mut ColourSet::empty(0)), None, "{sets:?}");
        }
    }
}
