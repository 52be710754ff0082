//! Merges one partition: the k-mers of all inputs in order, and which sets meet in each.
//!
//! Mixed k-mers are spread evenly. So a partition is cut into ranges of some hundreds of k-mers, of all
//! inputs together, and each range is gathered and [sorted](super::spread) within the processor's nearest cache:
//! for many inputs that costs less than a heap with its unpredictable branches, and for few no more.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::plan::{Combination, Merge};
use super::read_back::ReadBack;
use super::spread::SpreadSort;
use crate::hash::WordHasher;
use crate::kmer::Word;
use crate::layer::file::LoadedPartition;
use crate::layer::{LayerError, PartitionIter};

/// k-mers of a range, on average at most.
const RANGE_KMERS: usize = 512;

/// The number of each combination.
pub(super) type CombinationIds = HashMap<Combination, u32, BuildHasherDefault<WordHasher>>;

/// One partition, merged; its sets have no ids in the output yet.
pub(super) struct MergedPartition<W> {
    /// Mixed k-mers, ascending.
    pub(super) kmers: Vec<W>,
    pub(super) combinations: Vec<Combination>,
    /// For each k-mer its combination, as a position in `combinations`.
    pub(super) chosen: Vec<u32>,
}

impl Merge<'_> {
    /// Merges a partition. What cold inputs have of it is taken out of `read_back`.
    pub(super) fn merge_partition<W: Word>(
        &self,
        partition: u32,
        read_back: &ReadBack<W>,
    ) -> Result<MergedPartition<W>, LayerError> {
        let hot = self.inputs.iter().map(|input| input.layer);
        let loaded: Vec<Option<LoadedPartition<'_>>> = hot
            .map(|layer| (!layer.is_cold()).then(|| layer.load_partition(partition)).transpose())
            .collect::<Result<_, LayerError>>()?;
        let mut cursors = Vec::with_capacity(loaded.len());
        for (number, loaded) in loaded.iter().enumerate() {
            let source = match loaded {
                Some(loaded) => Source::Packed(loaded.view::<W>()?.iter()),
                None => Source::Sorted(read_back.take_sorted(partition, number).into_iter()),
            };
            cursors.push(Cursor { rest: source, tag: (number as u64) << 32 });
        }
        let total: usize = cursors.iter().map(|cursor| cursor.rest.left()).sum();
        let range_bits =
            (total / RANGE_KMERS).checked_ilog2().unwrap_or(0).min(self.geometry.kmer_bits() - 1);
        let shift = self.geometry.kmer_bits() - range_bits;
        // k-mers of a range differ in their lower bits, of which the upper ones tell the place.
        let place_bits = shift.min(u32::BITS);
        let mut combining = Combining::new(self);
        let (mut kmers, mut chosen) = (Vec::new(), Vec::new());
        let (mut gathered, mut meeting, mut sort) = (Vec::new(), Vec::new(), SpreadSort::new());
        for range in 1..=1_u64 << range_bits {
            let limit = (range >> range_bits == 0).then(|| W::from(range) << shift);
            cursors.iter_mut().for_each(|cursor| cursor.take_below(limit, &mut gathered));
            sort.sort(&mut gathered, place_bits, |tagged| {
                ((W::untagged(tagged).0 & W::mask(shift)) >> (shift - place_bits)).low()
            });
            let mut rest = gathered.drain(..).map(W::untagged).peekable();
            while let Some((kmer, tag)) = rest.next() {
                meeting.clear();
                meeting.push(tag);
                while let Some((_, tag)) = rest.next_if(|(other, _)| *other == kmer) {
                    meeting.push(tag);
                }
                if let Some(id) = combining.id_of(&meeting)? {
                    kmers.push(kmer);
                    chosen.push(id);
                }
            }
        }
        if let Some(broken) = cursors.iter().position(|cursor| cursor.rest.left() > 0) {
            let (place, what) =
                (self.inputs[broken].layer.place(), "a partition has fewer k-mers than it says");
            return Err(LayerError::Corrupt { place, offset: 0, what });
        }
        Ok(MergedPartition { kmers, combinations: combining.found, chosen })
    }
}

/// Combinations that were met last, by a hash: most k-mers have one of a few.
const RECENT: usize = 256;

/// Gives each combination met in a partition a number of its own.
struct Combining<'a> {
    merge: &'a Merge<'a>,
    /// Numbers, or [`GONE`] where there is none.
    recent: [u32; RECENT],
    /// A combination all of whose samples were removed has the number [`GONE`].
    ids: CombinationIds,
    found: Vec<Combination>,
}

const GONE: u32 = u32::MAX;

impl<'a> Combining<'a> {
    fn new(merge: &'a Merge<'a>) -> Self {
        Combining { merge, recent: [GONE; RECENT], ids: CombinationIds::default(), found: Vec::new() }
    }

    /// The number of the combination; none if all its samples were removed.
    #[inline]
    fn id_of(&mut self, meeting: &[u64]) -> Result<Option<u32>, LayerError> {
        let fold = |hash: u64, tag: &u64| (hash ^ tag).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        let place = meeting.iter().fold(0, fold) as usize % RECENT;
        let recent = self.recent[place];
        // Mostly one or two: not worth a call.
        if self.found.get(recent as usize).is_some_and(|found| found.iter().eq(meeting)) {
            return Ok(Some(recent));
        }
        let id = match self.ids.get(meeting) {
            Some(&id) => id,
            None => self.add(meeting)?,
        };
        self.recent[place] = id;
        Ok(Some(id).filter(|&id| id != GONE))
    }

    #[cold]
    fn add(&mut self, meeting: &[u64]) -> Result<u32, LayerError> {
        let is_gone = self.merge.is_gone(meeting)?;
        let id = if is_gone { GONE } else { self.found.len() as u32 };
        if !is_gone {
            self.found.push(meeting.into());
        }
        self.ids.insert(meeting.into(), id);
        Ok(id)
    }
}

/// The k-mers of one input, ascending, each with its colour-set id.
enum Source<'a, W> {
    Packed(PartitionIter<'a, W>),
    Sorted(std::vec::IntoIter<(W, u32)>),
}

impl<W: Word> Source<'_, W> {
    /// How many k-mers there are still to be.
    fn left(&self) -> usize {
        match self {
            Source::Packed(kmers) => kmers.left(),
            Source::Sorted(kmers) => kmers.len(),
        }
    }

    /// Hands out all k-mers below the limit, or all there are.
    #[inline]
    fn each_below(&mut self, limit: Option<W>, mut each: impl FnMut(W, u32)) {
        match self {
            Source::Packed(kmers) => kmers.each_below(limit, each),
            Source::Sorted(kmers) => {
                let rest = kmers.as_slice();
                let below = limit.map_or(rest.len(), |limit| rest.partition_point(|&(kmer, _)| kmer < limit));
                kmers.by_ref().take(below).for_each(|(kmer, set_id)| each(kmer, set_id));
            }
        }
    }
}

/// Hands out the k-mers of one input in order, tagged with input and set.
struct Cursor<'a, W> {
    rest: Source<'a, W>,
    tag: u64,
}

impl<W: Word> Cursor<'_, W> {
    /// Takes all k-mers below the limit, or all there are.
    #[inline]
    fn take_below(&mut self, limit: Option<W>, into: &mut Vec<W::Tagged>) {
        let tag = self.tag;
        self.rest.each_below(limit, |kmer, set_id| into.push(kmer.tagged(tag | u64::from(set_id))));
    }
}
