//! What a model is taught: the steps of the function from key to lower bound.

use crate::{Key, KeySource};

/// A key and the lower bound of that key in the array: a point the model must come close to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point<K> {
    pub(crate) key: K,
    pub(crate) position: usize,
}

/// Calls `visit` with every point that has to be taught, by ascending key, in O(n).
///
/// Each distinct key is taught at its first position. Between two neighbours whose positions differ by
/// one, any query's answer is the right one of the two, so a monotone model that is good at both is good
/// in between. After a run of equal keys the answer jumps; there the value just behind the run is taught too.
///
/// Returns the position of the first key that is smaller than its predecessor, if there is one.
pub(crate) fn for_each_point<K: Key, S: KeySource<K> + ?Sized>(
    keys: &S,
    mut visit: impl FnMut(Point<K>),
) -> Result<(), usize> {
    let length = keys.len();
    let mut position = 0;
    while position < length {
        let key = keys.get(position);
        visit(Point { key, position });
        let mut end = position + 1;
        let mut next = None;
        while end < length {
            let candidate = keys.get(end);
            if candidate != key {
                if candidate < key {
                    return Err(end);
                }
                next = Some(candidate);
                break;
            }
            end += 1;
        }
        if end - position > 1
            && let Some(behind) = key.successor()
            && next != Some(behind)
        {
            visit(Point { key: behind, position: end });
        }
        position = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(keys: &[u8]) -> Result<Vec<(u8, usize)>, usize> {
        let mut all = Vec::new();
        for_each_point(keys, |point| all.push((point.key, point.position)))?;
        Ok(all)
    }

    #[test]
    fn runs_are_taught_at_both_ends() {
        assert_eq!(points(&[1, 1, 1, 5, 6, 6, 7]), Ok(vec![(1, 0), (2, 3), (5, 3), (6, 4), (7, 6)]));
        assert_eq!(points(&[255, 255]), Ok(vec![(255, 0)]));
        assert_eq!(points(&[]), Ok(vec![]));
        assert_eq!(points(&[1, 3, 2]), Err(2));
    }
}
