//! Counting through sorted keys in two steps, as packed leaves and branches are searched.

/// Keys that are counted one by one; of the rest, every sixteenth is looked at.
const STEP: usize = 16;

/// How many of the sorted keys are below a mark, in O(n / 16 + 16), without a branch that depends on keys.
#[inline(always)]
pub(super) fn count_stepped<K>(keys: &[K], below: impl Fn(&K) -> bool) -> usize {
    count_from(keys, samples_below(keys, &below), below)
}

/// The first step: so many keys are below the mark at least, and at most 16 more.
///
/// The samples do not wait for one another, so that a processor fetches their cache lines together.
#[inline(always)]
pub(super) fn samples_below<K>(keys: &[K], below: impl Fn(&K) -> bool) -> usize {
    let samples: usize = keys.chunks_exact(STEP).map(|run| usize::from(below(&run[STEP - 1]))).sum();
    samples * STEP
}

/// The second step, from what the first has found.
#[inline(always)]
pub(super) fn count_from<K>(keys: &[K], start: usize, below: impl Fn(&K) -> bool) -> usize {
    let end = (start + STEP).min(keys.len());
    start + keys[start..end].iter().map(|key| usize::from(below(key))).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_like_partition_point() {
        for len in [1, 15, 16, 17, 64, 100, 128] {
            let keys: Vec<u32> = (0..len).map(|i| i / 2 * 3).collect();
            for mark in 0..200 {
                assert_eq!(count_stepped(&keys, |k| *k < mark), keys.partition_point(|k| *k < mark));
                assert_eq!(count_stepped(&keys, |k| *k <= mark), keys.partition_point(|k| *k <= mark));
            }
        }
    }
}
