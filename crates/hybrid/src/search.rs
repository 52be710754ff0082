//! Searching a window of sorted keys, and leaving the window when it turns out not to hold the answer.

use core::ops::Range;

use crate::{Key, KeySource};

/// Cuts a window to what there is.
#[inline(always)]
pub(crate) fn clamp(window: Range<usize>, length: usize) -> Range<usize> {
    let start = window.start.min(length);
    start..window.end.clamp(start, length)
}

/// A window of at most this many keys is read as a whole anyway.
const NEAR: usize = 16;
/// Fewer keys than this are in the processor's caches.
const FAR: usize = 1 << 17;

/// Lower bound of `key` in all of `keys`, given a window that is believed to hold it.
///
/// An answer strictly inside the window has been proved by the search itself; one at an edge is proved by
/// looking at the neighbour beyond. If the belief was wrong (the index was built over other keys, or
/// keys were appended since), the search goes on outward with doubling steps, O(log distance).
#[inline(always)]
pub(crate) fn lower_bound_near<K: Key, S: KeySource<K> + ?Sized>(
    keys: &S,
    window: Range<usize>,
    key: K,
) -> usize {
    let length = keys.len();
    let window = clamp(window, length);
    if window.len() > NEAR && length >= FAR {
        // What the search will read comes from memory all at once, not one half after another.
        keys.prefetch(window.clone());
    }
    let found = keys.lower_bound_within(window.clone(), key);
    if window.start < found && found < window.end { found } else { prove(keys, window, found, key) }
}

/// What was found at an edge of the window, or what is right instead.
#[inline(never)]
fn prove<K: Key, S: KeySource<K> + ?Sized>(keys: &S, window: Range<usize>, found: usize, key: K) -> usize {
    if found == window.start && found > 0 && keys.get(found - 1) >= key {
        return gallop_down(keys, found - 1, key);
    }
    if found == window.end && found < keys.len() && keys.get(found) < key {
        return gallop_up(keys, found + 1, key);
    }
    found
}

/// Keys that are looked up side by side.
const GROUP: usize = 32;

/// Lower bounds of many keys; `narrow` gives the windows of a group of them.
#[inline]
pub(crate) fn lower_bound_batch<K: Key, S: KeySource<K> + ?Sized>(
    keys: &S,
    searched: &[K],
    positions: &mut [usize],
    narrow: impl Fn(&[K], &mut [Range<usize>]),
) {
    for (group, positions) in searched.chunks(GROUP).zip(positions.chunks_mut(GROUP)) {
        let mut windows = [const { 0..usize::MAX }; GROUP];
        let windows = &mut windows[..group.len()];
        narrow(group, windows);
        windows.iter_mut().for_each(|window| *window = clamp(window.clone(), keys.len()));
        halve_wide_windows(keys, group, windows);
        windows.iter().for_each(|window| keys.prefetch(window.clone()));
        for ((key, window), position) in group.iter().zip(windows).zip(positions) {
            *position = lower_bound_near(keys, window.clone(), *key);
        }
    }
}

/// Windows of at most so many keys are asked for as a whole.
const WIDE: usize = 40;

/// Halves windows that span many cache lines, all in step: a line or two for each that way, and the others need
/// not be asked for.
#[inline]
fn halve_wide_windows<K: Key, S: KeySource<K> + ?Sized>(
    keys: &S,
    searched: &[K],
    windows: &mut [Range<usize>],
) {
    let middle_of = |window: &Range<usize>| window.start + window.len() / 2;
    let mut widest = windows.iter().map(Range::len).max().unwrap_or(0);
    while widest > WIDE {
        for window in windows.iter().filter(|window| window.len() > WIDE) {
            let middle = middle_of(window);
            keys.prefetch(middle..middle + 1);
        }
        for (key, window) in searched.iter().zip(windows.iter_mut()).filter(|(_, window)| window.len() > WIDE)
        {
            let middle = middle_of(window);
            let is_behind = keys.get(middle) < *key;
            let (start, end) = (window.start, window.end);
            window.start = core::hint::select_unpredictable(is_behind, middle + 1, start);
            window.end = core::hint::select_unpredictable(is_behind, end, middle);
        }
        widest = widest / 2 + 1;
    }
}

/// Lower bound, known to be at most `end`.
#[cold]
fn gallop_down<K: Key, S: KeySource<K> + ?Sized>(keys: &S, end: usize, key: K) -> usize {
    let (mut high, mut step) = (end, 1);
    loop {
        let low = high.saturating_sub(step);
        if low == 0 || keys.get(low - 1) < key {
            return keys.lower_bound_within(low..high, key);
        }
        (high, step) = (low, step * 2);
    }
}

/// Lower bound, known to be at least `start`.
#[cold]
fn gallop_up<K: Key, S: KeySource<K> + ?Sized>(keys: &S, start: usize, key: K) -> usize {
    let (mut low, mut step, length) = (start, 1usize, keys.len());
    loop {
        let high = low.saturating_add(step).min(length);
        if high == length || keys.get(high) >= key {
            return keys.lower_bound_within(low..high, key);
        }
        (low, step) = (high, step.saturating_mul(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_window_gives_the_right_answer() {
        let keys: Vec<u32> = (0..40).map(|i| i / 3 * 2).collect();
        for key in 0..30 {
            let expected = keys.partition_point(|k| *k < key);
            for start in 0..45 {
                for end in 0..45 {
                    assert_eq!(lower_bound_near(&keys, start..end, key), expected, "{start}..{end} {key}");
                }
            }
        }
    }
}
