//! What a model is taught: the steps of the function from key to lower bound.

use crate::{Error, Key};

/// A key and the lower bound of that key in the array: a point the model must come close to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point<K> {
    pub(crate) key: K,
    pub(crate) position: usize,
}

/// Turns sorted keys, shown one after another, into the points that have to be taught.
///
/// Each distinct key is taught at its first position. Between two neighbours whose positions differ by
/// one, any query's answer is the right one of the two, so a monotone model that is good at both is good
/// in between. After a run of equal keys the answer jumps; there the value just behind the run is taught too.
#[derive(Debug, Clone)]
pub(crate) struct PointStream<K> {
    last: Option<K>,
    run_start: usize,
    count: usize,
}

impl<K: Key> PointStream<K> {
    pub(crate) fn new() -> Self {
        Self { last: None, run_start: 0, count: 0 }
    }

    /// How many keys were shown.
    pub(crate) fn key_count(&self) -> usize {
        self.count
    }

    /// Shows the next key; `visit` gets the points that are certain now, none to two.
    #[inline]
    pub(crate) fn push(&mut self, key: K, mut visit: impl FnMut(Point<K>)) -> Result<(), Error> {
        let position = self.count;
        if let Some(last) = self.last {
            if key == last {
                self.count += 1;
                return Ok(());
            }
            if key < last {
                return Err(Error::NotSorted { position });
            }
            if let Some(behind) = self.behind_run()
                && behind != key
            {
                visit(Point { key: behind, position });
            }
        }
        visit(Point { key, position });
        (self.last, self.run_start, self.count) = (Some(key), position, position + 1);
        Ok(())
    }

    /// The point behind the last run, if there is one; then there are no more.
    pub(crate) fn finish(self) -> Option<Point<K>> {
        self.behind_run().map(|key| Point { key, position: self.count })
    }

    /// The value just behind the run of equal keys that was shown last, if it was longer than one.
    fn behind_run(&self) -> Option<K> {
        self.last.filter(|_| self.count - self.run_start > 1).and_then(K::successor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(keys: &[u8]) -> Result<Vec<(u8, usize)>, Error> {
        let (mut all, mut stream) = (Vec::new(), PointStream::new());
        for key in keys {
            stream.push(*key, |point| all.push((point.key, point.position)))?;
        }
        all.extend(stream.finish().map(|point| (point.key, point.position)));
        Ok(all)
    }

    #[test]
    fn runs_are_taught_at_both_ends() {
        assert_eq!(points(&[1, 1, 1, 5, 6, 6, 7]), Ok(vec![(1, 0), (2, 3), (5, 3), (6, 4), (7, 6)]));
        assert_eq!(points(&[3, 3]), Ok(vec![(3, 0), (4, 2)]));
        assert_eq!(points(&[255, 255]), Ok(vec![(255, 0)]));
        assert_eq!(points(&[]), Ok(vec![]));
        assert_eq!(points(&[1, 3, 2]), Err(Error::NotSorted { position: 2 }));
    }
}
