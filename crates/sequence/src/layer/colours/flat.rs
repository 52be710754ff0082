//! The sets of one chunk: each different one once, most of them as a small difference to another.
//!
//! Neighbouring k-mers of related genomes belong to similar sets of samples, so that most are a few colours
//! away from another one. When all are known each gets a parent along a [spanning tree](super::tree), and the
//! shortest of its codings. Paths to a root are at most [`DEEPEST`] long, so that any set can be decoded by
//! its id alone in bounded time.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use xxhash_rust::xxh3::xxh3_64;

use super::entry::{BASE_ALL, BASE_BITMAP, BASE_EMPTY, base_for, named_by, push_bitmap, push_list};
use super::entry::{push_varint, split, toggle};
use super::set::ColourSet;
use super::tree::{DecodedSets, Parent};
use crate::hash::WordHasher;
use crate::layer::LayerError;
use crate::layer::packed::{Packed, PackedBuffer, width_for};
use crate::layer::paged::Paged;

/// Most differences between a set and its root.
pub(super) const DEEPEST: u8 = 12;

/// So many sets share a spanning tree; the next ones have another. It bounds the memory that finding it
/// takes.
const SETS_OF_A_TREE: usize = 1 << 18;

/// Collects the different sets of some colours and gives each an id, in order of appearance.
#[derive(Debug)]
pub(in crate::layer) struct FlatSets {
    colours: u32,
    words_each: usize,
    words: Vec<u64>,
    /// Hash of a set (counted up where two differ) to its id.
    ids: HashMap<u64, u32, BuildHasherDefault<WordHasher>>,
}

/// The sets of a chunk: what goes into the file.
pub(in crate::layer) struct EncodedSets {
    pub(in crate::layer) sets: Vec<u8>,
    pub(in crate::layer) offsets: PackedBuffer,
    pub(in crate::layer) count: u32,
    pub(in crate::layer) colours: u32,
}

impl FlatSets {
    pub(in crate::layer) fn new(colours: u32) -> Self {
        let words_each = (colours as usize).div_ceil(64);
        FlatSets { colours, words_each, words: Vec::new(), ids: HashMap::default() }
    }

    /// Number of different sets.
    pub(super) fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    /// The words of a set's bitmap.
    pub(super) fn words(&self, id: u32) -> &[u64] {
        &self.words[id as usize * self.words_each..][..self.words_each]
    }

    /// The id of a set, given as the words of its bitmap, the same for equal sets.
    pub(in crate::layer) fn id_of(&mut self, set: &[u64]) -> Result<u32, LayerError> {
        debug_assert_eq!(set.len(), self.words_each);
        let mut hash = xxh3_64(zerocopy::IntoBytes::as_bytes(set));
        while let Some(&id) = self.ids.get(&hash) {
            if self.words(id) == set {
                return Ok(id);
            }
            hash = hash.wrapping_add(1);
        }
        let limit = u64::from(u32::MAX);
        let id = u32::try_from(self.ids.len()).ok().filter(|&id| id < u32::MAX);
        let id = id.ok_or(LayerError::TooMany { what: "different sets of samples", limit })?;
        self.ids.insert(hash, id);
        self.words.extend_from_slice(set);
        Ok(id)
    }

    /// Encodes all sets, each in the shortest of its codings, with parents along spanning trees.
    pub(super) fn finish(self) -> EncodedSets {
        let (count, colours) = (self.len(), self.colours);
        drop(self.ids);
        let mut encoder = Encoder {
            sets: Vec::new(),
            offsets: vec![0],
            set: ColourSet::empty(colours),
            other: ColourSet::empty(colours),
        };
        for words in self.words.chunks(SETS_OF_A_TREE * self.words_each.max(1)) {
            encoder.push_tree(&DecodedSets::new(words, colours));
        }
        let Encoder { sets, offsets, .. } = encoder;
        let width = width_for(sets.len() as u64);
        EncodedSets { offsets: PackedBuffer::from_values(offsets.into_iter(), width), sets, count, colours }
    }
}

/// The entries of a chunk being written.
struct Encoder {
    sets: Vec<u8>,
    /// Start of each set's entry, and the end of the last.
    offsets: Vec<u64>,
    set: ColourSet,
    other: ColourSet,
}

impl Encoder {
    /// Appends sets that share a tree.
    fn push_tree(&mut self, decoded: &DecodedSets<'_>) {
        let (mut shortest, mut entry) = (Vec::new(), Vec::new());
        let Encoder { sets, offsets, set, other } = self;
        for (id, parent) in (0..).zip(decoded.tree(DEEPEST)) {
            set.assign(decoded.set(id), 0);
            shortest.clear();
            push_bitmap(&mut shortest, set);
            for base in [Parent::Empty, Parent::All, parent] {
                let number = match base {
                    Parent::Empty => {
                        other.clear();
                        BASE_EMPTY
                    }
                    Parent::All => {
                        other.fill();
                        BASE_ALL
                    }
                    Parent::Set(parent) => {
                        other.assign(decoded.set(parent), 0);
                        base_for(id, parent)
                    }
                };
                other.toggle_all(set);
                if other.len() as usize >= shortest.len() {
                    continue;
                }
                entry.clear();
                push_varint(&mut entry, number);
                push_list(&mut entry, other);
                if entry.len() < shortest.len() {
                    std::mem::swap(&mut entry, &mut shortest);
                }
            }
            sets.extend_from_slice(&shortest);
            offsets.push(sets.len() as u64);
        }
    }
}

/// The sets of a chunk in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlatTable<'a> {
    pub(super) sets: Paged<'a>,
    pub(super) offsets: Packed<Paged<'a>>,
    pub(super) colours: u32,
}

impl<'a> FlatTable<'a> {
    /// What a set's entry begins with, and the rest of it.
    fn entry(&self, id: u32) -> Option<(u64, &'a [u8])> {
        let at = id as usize;
        if at + 1 >= self.offsets.len() {
            return None;
        }
        split(self.sets.get(self.offsets.get(at) as usize..self.offsets.get(at + 1) as usize)?)
    }

    /// Decodes the set of an id; `None` when id or bytes make no sense.
    pub(super) fn decode(&self, id: u32, into: &mut ColourSet) -> Option<()> {
        into.reset(self.colours);
        let mut at = id;
        for _ in 0..=DEEPEST {
            let (base, rest) = self.entry(at)?;
            toggle(base, rest, into)?;
            match base {
                BASE_EMPTY | BASE_ALL | BASE_BITMAP => return Some(()),
                other => at = named_by(at, other)?,
            }
        }
        None
    }
}

/// Decodes many sets of a chunk, each step of their paths once.
pub(super) struct Decoder<'a> {
    table: FlatTable<'a>,
    /// Where in `words` each set is that was decoded.
    known: HashMap<u32, usize, BuildHasherDefault<WordHasher>>,
    words: Vec<u64>,
    set: ColourSet,
    path: Vec<(u32, u64, &'a [u8])>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(table: FlatTable<'a>) -> Self {
        let set = ColourSet::empty(table.colours);
        Decoder { table, known: HashMap::default(), words: Vec::new(), set, path: Vec::new() }
    }

    /// The bitmap of an id's set; `None` when id or bytes make no sense.
    pub(super) fn set(&mut self, id: u32) -> Option<&[u64]> {
        let words = (self.table.colours as usize).div_ceil(64);
        if let Some(&known) = self.known.get(&id) {
            return Some(&self.words[known..known + words]);
        }
        self.path.clear();
        let mut at = id;
        loop {
            if self.path.len() > usize::from(DEEPEST) {
                return None;
            }
            let (base, rest) = self.table.entry(at)?;
            self.path.push((at, base, rest));
            match base {
                BASE_EMPTY | BASE_ALL | BASE_BITMAP => {
                    self.set.clear();
                    break;
                }
                other => at = named_by(at, other)?,
            }
            if let Some(&known) = self.known.get(&at) {
                self.set.assign(&self.words[known..known + words], 0);
                break;
            }
        }
        while let Some((at, base, rest)) = self.path.pop() {
            toggle(base, rest, &mut self.set)?;
            self.known.insert(at, self.words.len());
            self.words.extend_from_slice(self.set.words());
        }
        Some(self.set.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let offsets = Packed::new(Paged::verified(&offsets.bytes), 8, 2).expect("whole");
            let table = FlatTable { sets: Paged::verified(sets), offsets, colours: 3 };
            assert_eq!(table.decode(0, &mut ColourSet::empty(0)), None, "{sets:?}");
            assert_eq!(Decoder::new(table).set(0), None, "{sets:?}");
        }
    }
}
