//! Orders in which keys may come, friendly and hostile; all from a seed.

use crate::key_sets::next;

/// A source of pseudo-random numbers.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        next(&mut self.0)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// `n` keys of each order, or about as many; a few repeat.
pub(super) fn orders(n: u64, seed: u64) -> Vec<(&'static str, Vec<u64>)> {
    let mut random = Random(seed);
    let mut all: Vec<(&'static str, Vec<u64>)> = vec![
        ("uniform", (0..n).map(|_| random.next()).collect()),
        ("ascending", (0..n).collect()),
        ("ascending, beyond 2^53, to the top", (0..n).map(|i| u64::MAX - n + 1 + i).collect()),
        ("descending", (0..n).rev().map(|i| i * 3).collect()),
        ("alternating ends", (0..n).map(|i| if i % 2 == 0 { i } else { u64::MAX - i }).collect()),
        ("from the middle outward", (0..n).map(|i| (1 << 63) ^ if i % 2 == 0 { i } else { !i }).collect()),
        ("from the ends inward", (0..n).map(|i| if i % 2 == 0 { i << 40 } else { !(i << 40) }).collect()),
        (
            "growing gaps",
            (0..n).map(|i| (i % 64, i / 64)).map(|(e, i)| (1u64 << e).wrapping_add(i)).collect(),
        ),
        ("few keys, over and over", (0..n).map(|_| random.below(300)).collect()),
        ("all but the same", (0..n).map(|_| (1 << 60) + random.below(n)).collect()),
        ("cubes, shuffled", (0..n).map(|_| random.below(n).pow(3)).collect()),
    ];
    all.push(("clusters", clusters(n, &mut random)));
    all.push(("into one slot", into_one_slot(n, &mut random)));
    all.push(("nested ever closer", nested(n)));
    all.push(("always between the last two", between(n)));
    all.push(("a full end, then into it", poke_the_end(n, &mut random)));
    all.push(("many places that ascend", many_places(n, false)));
    all.push(("many places that descend", many_places(n, true)));
    all.push(("dense after sparse", dense_after_sparse(n, &mut random)));
    all
}

/// Few clusters take most keys, each in ascending order.
fn clusters(n: u64, random: &mut Random) -> Vec<u64> {
    let mut next = [0u64; 256];
    let draw = |_| {
        let cluster = (256 >> random.below(9)) as u64 * 255 / 256;
        next[cluster as usize] += 1 + random.below(4);
        (cluster.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xff_ffff) + next[cluster as usize]
    };
    (0..n).map(draw).collect()
}

/// Keys far apart draw a line on which all further keys fall into one slot of one leaf.
fn into_one_slot(n: u64, random: &mut Random) -> Vec<u64> {
    let frame = (0..n / 4).map(|i| i << 48).collect::<Vec<_>>();
    let hole = (n / 8) << 48;
    frame.into_iter().chain((0..n * 3 / 4).map(|_| hole + 1 + random.below(1 << 20))).collect()
}

/// Runs of keys at one millionth of the distance of those before, again and again: what a model that is drawn
/// through all keys resolves, the next run hides.
fn nested(n: u64) -> Vec<u64> {
    (0..n)
        .map(|i| (u64::MAX >> (i * 56 / n)) / 3 * 2 - (i * 7919 % 997) * (u64::MAX >> (i * 56 / n) >> 12))
        .collect()
}

/// Each key halves the distance between the two before it; begun anew next to it when there is none left.
fn between(n: u64) -> Vec<u64> {
    let (mut low, mut high, mut begun) = (0, 1 << 62, 0u64);
    let draw = |i| {
        if high - low < 4 {
            begun += 1;
            (low, high) = (begun << 40, (begun << 40) + (1 << 39));
        }
        let middle = low + (high - low) / 2;
        if i % 2 == 0 {
            low = middle
        } else {
            high = middle
        }
        middle
    };
    (0..n).map(draw).collect()
}

/// Ascending keys fill the last leaf; then some go into what is now full, so that it shares with the last.
fn poke_the_end(n: u64, random: &mut Random) -> Vec<u64> {
    let mut top = 1000;
    let draw = |i| {
        if i % 140 < 130 {
            top += 1000;
            top
        } else {
            top - random.below(140_000).min(top)
        }
    };
    (0..n).map(draw).collect()
}

/// Each of 50 places gets a key in turn, beside the place's last one.
fn many_places(n: u64, descend: bool) -> Vec<u64> {
    (0..n)
        .map(|i| ((i % 50) << 56) + (1 << 40))
        .zip(0..n)
        .map(|(at, i)| if descend { at - i } else { at + i })
        .collect()
}

/// Uniform keys; then every leaf in turn is filled to the brim by keys next to one of its own.
fn dense_after_sparse(n: u64, random: &mut Random) -> Vec<u64> {
    let sparse: Vec<u64> = (0..n / 2).map(|_| random.next()).collect();
    let mut sorted = sparse.clone();
    sorted.sort_unstable();
    let dense =
        (0..n / 2).map(|i| sorted[(i / 90 * 90 % (n / 2)) as usize].wrapping_add(i % 90)).collect::<Vec<_>>();
    sparse.into_iter().chain(dense).collect()
}
