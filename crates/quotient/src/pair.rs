//! Walking two filters at once, as a merge of two does.
//!
//! Which of the two has the next key is as good as random, so nothing branches on it. Keys are read ahead, so that
//! going on in one of the two is adding a number.

use crate::{Entry, Iter, Key};

/// Keys read ahead: so many that going for more is rare, so few that they stay in the innermost cache.
const AHEAD: usize = 128;

struct Ahead<'a, K> {
    rest: Iter<'a, K>,
    entries: [Entry<K>; AHEAD],
    /// Of these `at..count` are still to come.
    at: usize,
    count: usize,
}

impl<'a, K: Key> Ahead<'a, K> {
    fn new(rest: Iter<'a, K>) -> Self {
        Self { rest, entries: [Entry { key: K::ZERO, count: 0, value: 0 }; AHEAD], at: 0, count: 0 }
    }

    /// Reads ahead where nothing is left; whether there is a key.
    fn fill(&mut self) -> bool {
        if self.at >= self.count {
            (self.at, self.count) = (0, self.rest.fill(&mut self.entries));
        }
        self.at < self.count
    }

    #[inline(always)]
    fn next(&self) -> Option<&Entry<K>> {
        self.entries[..self.count.min(AHEAD)].get(self.at)
    }
}

/// Hands each key to `told`, in ascending order: which of the two have it (0, 1) and what they say.
#[inline]
pub(crate) fn both<K: Key, E>(
    left: Iter<'_, K>,
    right: Iter<'_, K>,
    mut told: impl FnMut(&[(usize, Entry<K>)]) -> Result<(), E>,
) -> Result<(), E> {
    let (mut left, mut right) = (Ahead::new(left), Ahead::new(right));
    while left.fill() & right.fill() {
        while let (Some(one), Some(other)) = (left.next(), right.next()) {
            let (from_left, from_right) = (one.key <= other.key, other.key <= one.key);
            let same = [(0, *one), (1, *other)];
            left.at += usize::from(from_left);
            right.at += usize::from(from_right);
            told(&same[usize::from(!from_left)..1 + usize::from(from_right)])?;
        }
    }
    for (which, mut rest) in [left, right].into_iter().enumerate() {
        while rest.fill() {
            let entry = rest.entries[rest.at];
            rest.at += 1;
            told(&[(which, entry)])?;
        }
    }
    Ok(())
}
