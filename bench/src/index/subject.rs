//! What is measured: an index over sorted keys, as the loops see it.

/// How many keys a batch has.
pub(super) const BATCH: usize = 32;

/// What a lookup answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The position of the lower bound.
    Position,
    /// The key at the lower bound, or the largest number if there is none.
    Key,
}

/// An index over sorted keys. The loops are compiled for each, so that calls are direct.
pub(super) trait Subject {
    /// What lookups answer.
    const ANSWER: Answer = Answer::Position;
    /// Whether absent keys have answers, too.
    const HAS_LOWER_BOUNDS: bool = true;
    /// Whether it holds the keys itself and could do without the array.
    const HOLDS_KEYS: bool = false;
    /// Whether several keys can be looked up at once.
    const HAS_BATCHES: bool = false;

    /// The lower bound of a key.
    fn lower_bound(&self, key: u64) -> u64;

    /// The positions of the lower bounds of several keys.
    fn lower_bounds(&self, keys: &[u64; BATCH], found: &mut [usize; BATCH]) {
        for (found, key) in found.iter_mut().zip(keys) {
            *found = self.lower_bound(*key) as usize;
        }
    }

    /// The sum of so many keys from the lower bound on; none if it has no order.
    fn sum_from(&self, key: u64, count: usize) -> Option<u64>;

    /// Bytes beside the keys as the subject counts them; none if what the process gained is to be told.
    fn bytes(&self) -> Option<u64>;

    /// Its choices in words, if it tells them.
    fn explanation(&self) -> Option<String> {
        None
    }
}

/// The sum of so many keys of an array from a position on.
#[inline]
pub(super) fn sum_at(keys: &[u64], position: usize, count: usize) -> u64 {
    let end = position.saturating_add(count).min(keys.len());
    keys.get(position..end).unwrap_or(&[]).iter().fold(0, |sum, key| sum.wrapping_add(*key))
}
