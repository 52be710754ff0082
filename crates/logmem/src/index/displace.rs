//! Making room in a full bucket: words go to their other buckets, along the shortest way to an empty slot.
//!
//! The search is breadth first (Fan, Andersen and Kaminsky, "MemC3", NSDI 2013). Few steps are
//! needed, since at nine tenths of load every second bucket has an empty slot. In pools beyond some GiB a word
//! does not tell its other bucket, so that each step reads a key.

use super::keys::Keys;
use super::shard::{Place, ShardWriter, vacancies, words};
use super::word::EMPTY;
use crate::memory::LINE_WORDS;
use crate::sync::epoch::Guard;

/// Most buckets whose words are asked where else they could go.
const MOST_BUCKETS: usize = 48;

/// A full bucket that the search came to.
#[derive(Clone, Copy, Default)]
struct Stop {
    bucket: usize,
    /// The word that would go there: its slot in the bucket of the stop `from`. A root has none.
    from: Option<(usize, usize)>,
}

impl ShardWriter<'_> {
    /// Frees one more slot in one of the buckets in `roots`; nothing moves into the bucket `avoided`.
    pub(super) fn displace(
        &self,
        roots: &[usize],
        avoided: Option<usize>,
        keys: &impl Keys,
        guard: &Guard,
    ) -> Option<Place> {
        let mut stops = [Stop::default(); MOST_BUCKETS];
        let mut known = 0;
        for bucket in roots {
            if stops[..known].iter().all(|stop| stop.bucket != *bucket) {
                stops[known] = Stop { bucket: *bucket, from: None };
                known += 1;
            }
        }
        let mut next = 0;
        while next < known {
            let bucket = stops[next].bucket;
            self.touch(bucket, keys, guard);
            for (slot, word) in words(self.line(bucket)) {
                let Some(hash) = self.hash_of(word, self.buckets(), keys, guard) else { continue };
                let allowed = |other: &usize| Some(*other) != avoided && !roots.contains(other);
                let Some(other) = self.other_bucket(hash, bucket).filter(allowed) else { continue };
                if let Some(empty) = vacancies(self.line(other)).next() {
                    let empty = Place { bucket: other, slot: empty };
                    return Some(self.shift_along(&stops, (next, slot), empty));
                }
                if known < MOST_BUCKETS && stops[..known].iter().all(|stop| stop.bucket != other) {
                    stops[known] = Stop { bucket: other, from: Some((next, slot)) };
                    known += 1;
                }
            }
            next += 1;
        }
        None
    }

    /// Whether the buckets of this hash are full of keys of the very same one, which no growth would part.
    pub(super) fn is_hopeless(&self, hash: u64, keys: &impl Keys, guard: &Guard) -> bool {
        let is_equal = |word| keys.hash_at(self.index.layout().location(word), guard) == Some(hash);
        self.candidates(hash)
            .into_iter()
            .all(|bucket| words(self.line(bucket)).filter(|(_, word)| is_equal(*word)).count() == LINE_WORDS)
    }

    /// The bucket in which a word of that hash could stand instead, if it is not the same one.
    pub(super) fn other_bucket(&self, hash: u64, bucket: usize) -> Option<usize> {
        self.candidates(hash).into_iter().find(|candidate| *candidate != bucket)
    }

    /// Moves the word at a slot of a stop into the empty place, the one that leads to that stop into its
    /// slot, and so on; gives the slot that becomes free at the root.
    fn shift_along(&self, stops: &[Stop], last: (usize, usize), empty: Place) -> Place {
        let (mut empty, mut word) = (empty, Some(last));
        while let Some((stop, slot)) = word {
            let place = Place { bucket: stops[stop].bucket, slot };
            self.shift(place, empty);
            empty = place;
            word = stops[stop].from;
        }
        empty
    }

    /// Moves a word under the eyes of readers: they find it in either place, or see that something moved.
    pub(super) fn shift(&self, from: Place, to: Place) {
        self.store(to, self.load(from));
        self.announce(self.buckets());
        self.store(from, EMPTY);
    }
}
