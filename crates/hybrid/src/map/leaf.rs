//! What is done in a leaf, by its slots and a head that says where to look.

use core::ops::Range;

use super::config::{Config, Lengths};
use super::node_ref::NodeKind;
use super::search::{count_from, samples_below};
use super::slots::{insert_gapped, insert_packed, is_gap, lay_out};
use crate::Key;
use crate::linear::Line;
use crate::processor::prefetch;
use crate::search::lower_bound_near;

/// An entry this many slots from its prediction is still found in the first window.
pub(super) const REACH: usize = 8;

/// Slots around a prediction that are looked at together.
const WINDOW: usize = 2 * REACH;

/// A move of more entries than this counts as strain.
const LONG_MOVE: usize = 16;

/// The next leaf of the last one.
pub(super) const NO_LEAF: u32 = u32::MAX;

/// What is known of a leaf besides its entries. Kept apart, so that the heads of many leaves stay cached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<K> {
    /// The first key when the leaf was last trained.
    origin: K,
    line: Line,
    len: u16,
    /// How many inserts since entries were last shared landed far from where the line expected them.
    strain: u16,
    /// The leaf with the next larger keys.
    pub(super) next: u32,
}

/// What came of putting an entry into a leaf.
pub(super) enum Put<V> {
    /// The key was there; this is its old value.
    Replaced(V),
    /// The entry is in.
    Added {
        /// Whether the leaf's line has become so bad that it should be trained again, which is said once.
        strained: bool,
    },
    /// There is no room.
    Full,
}

/// The first slot whose key is not below `key`; it is never a gap.
#[inline(always)]
pub(super) fn lower_bound<C: Config>(
    (keys, values): (&[C::Key], &[C::Value]),
    kind: NodeKind,
    head: &Head<C::Key>,
    key: C::Key,
) -> usize {
    if kind == NodeKind::Gapped {
        let wanted = head.wanted::<C>(key);
        // The value lies on a line of its own, most likely this one: have it come along with the keys.
        prefetch(&values[wanted..=wanted]);
        lower_bound_around::<C>(keys, wanted, key)
    } else {
        let start = samples_below(keys, |candidate| *candidate < key);
        // The value lies beside one of these: have them come along with the keys.
        prefetch(&values[start..(start + WINDOW).min(values.len())]);
        count_from(keys, start, |candidate| *candidate < key)
    }
}

/// The slots around one, as many anywhere in a leaf.
#[inline(always)]
pub(super) fn window_around<C: Config>(slot: usize) -> Range<usize> {
    let start = slot.saturating_sub(REACH).min(Lengths::<C>::LEAF - WINDOW);
    start..start + WINDOW
}

/// The first slot whose key is not below `key`, most likely near `wanted`.
#[inline(always)]
fn lower_bound_around<C: Config>(keys: &[C::Key], wanted: usize, key: C::Key) -> usize {
    let window = window_around::<C>(wanted);
    // Always as many, so that the processor foresees the end of the loop.
    let Some(near) = keys[window.clone()].first_chunk::<WINDOW>() else { return 0 };
    let found = window.start + near.iter().map(|candidate| usize::from(*candidate < key)).sum::<usize>();
    if found > window.start && found < window.end {
        return found;
    }
    // At an edge, or beyond.
    lower_bound_near(keys, window, key)
}

/// Puts an entry in, or replaces the value of its key, in O(slots).
#[inline]
pub(super) fn put<C: Config>(
    (keys, values): (&mut [C::Key], &mut [C::Value]),
    kind: NodeKind,
    head: &mut Head<C::Key>,
    (key, value): (C::Key, C::Value),
) -> Put<C::Value> {
    let slot = lower_bound::<C>((keys, values), kind, head, key);
    if slot < keys.len() && keys[slot] == key {
        return Put::Replaced(core::mem::replace(&mut values[slot], value));
    }
    let len = head.len();
    if len == Lengths::<C>::LEAF {
        return Put::Full;
    }
    head.len += 1;
    let wanted = head.wanted::<C>(key);
    if kind == NodeKind::Packed {
        // Not used here, but told to who decides when the leaf is written again.
        let by_rank = wanted * len / Lengths::<C>::LEAF;
        head.strain = head.strain.saturating_add(u16::from(slot.min(len).abs_diff(by_rank) > REACH));
        insert_packed((keys, values), len, slot, (key, value));
        return Put::Added { strained: false };
    }
    let moved = insert_gapped((keys, values), slot, wanted, (key, value));
    let bad = moved > LONG_MOVE || slot.abs_diff(wanted) > REACH;
    head.strain = head.strain.saturating_add(u16::from(bad));
    // Once: strain is kept when the leaf is trained again, so it does not pass this mark twice.
    Put::Added { strained: bad && head.strain() == Lengths::<C>::LEAF / 8 + 1 }
}

/// Puts an entry behind all others in the last leaf of a map, if all its entries are at the beginning and leave
/// room; returns whether it did. Whatever the leaf's kind, it stays one.
///
/// With the slots behind filled, O(slots), but of a leaf that stays in the nearest cache.
#[inline(always)]
pub(super) fn append<C: Config>(
    (keys, values): (&mut [C::Key], &mut [C::Value]),
    head: &mut Head<C::Key>,
    (key, value): (C::Key, C::Value),
) -> bool {
    let len = head.len();
    // There are `len` entries, so if the last of them is in slot `len - 1`, there is no gap before it.
    if len == keys.len() || keys[len - 1] != keys[keys.len() - 1] || is_gap(keys, len - 1) {
        return false;
    }
    head.len += 1;
    keys[len..].fill(key);
    values[len] = value;
    true
}

/// Puts an entry before all others in the first leaf of a map, if all entries but the first are at the end and
/// leave room; returns whether it did. With at least two entries such a leaf is a gapped one.
#[inline(always)]
pub(super) fn prepend<C: Config>(
    (keys, values): (&mut [C::Key], &mut [C::Value]),
    head: &mut Head<C::Key>,
    (key, value): (C::Key, C::Value),
) -> bool {
    let len = head.len();
    // What is first moves to the last slot of its run of copies.
    let end = keys.len() - len;
    if len < 2 || end == 0 || keys[end] != keys[0] || keys[end + 1] == keys[0] {
        return false;
    }
    head.len += 1;
    values[end] = values[0];
    keys[..end].fill(key);
    values[0] = value;
    true
}

/// Lays entries out along the line through the first and the last, and returns how many lie near where it
/// expects them.
pub(super) fn lay_gapped<C: Config>(
    slots: (&mut [C::Key], &mut [C::Value]),
    entries: (&[C::Key], &[C::Value]),
    marks: &mut Vec<u8>,
) -> usize {
    let (first, span, slope) = line_through::<C>(entries.0);
    // Faster than what a lookup does, and at most a slot away from it; a lookup corrects that.
    let wanted = |key: C::Key| {
        let offset = key.offset_from(first);
        let offset = if C::Key::WIDTH <= 8 { offset as u64 as f64 } else { offset as f64 };
        (offset * slope) as usize
    };
    if span == 0 {
        lay_out(entries, |_| 0, REACH, slots, marks)
    } else {
        lay_out(entries, wanted, REACH, slots, marks)
    }
}

/// Where the line through the first and the last key begins, how far it reaches, and its slope in slots.
fn line_through<C: Config>(keys: &[C::Key]) -> (C::Key, u128, f64) {
    let (first, last) = (keys[0], keys[keys.len() - 1]);
    let span = last.offset_from(first);
    (first, span, (Lengths::<C>::LEAF - 1) as f64 / span as f64)
}

/// Lays entries out one after another.
pub(super) fn lay_packed<C: Config>(
    (keys, values): (&mut [C::Key], &mut [C::Value]),
    entries: (&[C::Key], &[C::Value]),
) {
    let len = entries.0.len();
    keys[..len].copy_from_slice(entries.0);
    keys[len..].fill(entries.0[len - 1]);
    values[..len].copy_from_slice(entries.1);
}

impl<K: Key> Head<K> {
    /// The head of a leaf that will hold these keys: its line goes through the first and the last.
    pub(super) fn train<C: Config<Key = K>>(keys: &[K], next: u32) -> Self {
        let (first, span, slope) = line_through::<C>(keys);
        Self { origin: first, line: Line::new(0, slope, span), len: keys.len() as u16, strain: 0, next }
    }

    /// How many of the keys, going by some of them, the line would expect near where their rank puts them.
    pub(super) fn sample<C: Config<Key = K>>(&self, keys: &[K]) -> usize {
        let step = keys.len().div_ceil(16);
        let near = |at: usize| {
            let place = at * Lengths::<C>::LEAF / keys.len();
            self.wanted::<C>(keys[at]).abs_diff(place) <= 2 * REACH
        };
        let (mut hits, mut looks) = (0, 0);
        for at in (0..keys.len()).step_by(step) {
            hits += usize::from(near(at));
            looks += 1;
        }
        keys.len() * hits / looks
    }

    /// Appends the line and where it begins: 16 bytes, then the key's.
    pub(super) fn write_line(&self, into: &mut Vec<u8>) {
        self.line.write(into);
        self.origin.write(into);
    }

    /// The head of a leaf with so many entries and the line that [`write_line`](Self::write_line) wrote.
    pub(super) fn read_line(bytes: &[u8], len: u16, next: u32) -> Self {
        let (line, origin) = (Line::read(bytes), K::read(&bytes[16..16 + K::WIDTH]));
        Self { origin, line, len, strain: 0, next }
    }

    /// How many entries the leaf holds.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// How many inserts landed far from where the line expected them since entries were last shared.
    pub(super) fn strain(&self) -> usize {
        usize::from(self.strain)
    }

    /// Keeps what is known of bad inserts, although the leaf was trained again.
    pub(super) fn keep_strain(&mut self, strain: usize) {
        self.strain = u16::try_from(strain).unwrap_or(u16::MAX);
    }

    /// The slot where the leaf's line expects a key.
    #[inline(always)]
    fn wanted<C: Config<Key = K>>(&self, key: K) -> usize {
        let slot = self.line.predict(key, self.origin);
        usize::try_from(slot).map_or(Lengths::<C>::LEAF - 1, |slot| slot.min(Lengths::<C>::LEAF - 1))
    }
}
