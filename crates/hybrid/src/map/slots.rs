//! The slots of a leaf: sorted, with gaps, and how an entry gets into them.
//!
//! A gap holds a copy of the key before it. Keys are unique, so a slot is a gap exactly if its key equals its
//! left neighbour's; no bitmap is needed, the whole array is sorted, and the first slot that is not below a
//! key is never a gap. Slot 0 always holds an entry. Values in gaps mean nothing.

/// Whether there is no entry in a slot.
#[inline(always)]
pub(super) fn is_gap<K: Eq>(keys: &[K], slot: usize) -> bool {
    slot > 0 && keys[slot] == keys[slot - 1]
}

/// The first slot from `slot` on that holds an entry; the number of slots if none does.
#[inline]
pub(super) fn next_entry<K: Eq>(keys: &[K], mut slot: usize) -> usize {
    while slot < keys.len() && is_gap(keys, slot) {
        slot += 1;
    }
    slot
}

/// Copies the entries, not the gaps, to the beginning of `into`, which must be as long as the leaf; returns
/// how many there are. O(slots), without a branch that depends on keys.
pub(super) fn gather<K: Copy + Eq, V: Copy>(slots: (&[K], &[V]), into: (&mut [K], &mut [V])) -> usize {
    let mut len = 0;
    for slot in 0..slots.0.len().min(slots.1.len()) {
        (into.0[len], into.1[len]) = (slots.0[slot], slots.1[slot]);
        len += usize::from(!is_gap(slots.0, slot));
    }
    len
}

/// Lays sorted entries out, each as near to where `wanted` says as those before it and the room left for
/// those after it allow. Returns how many lie within `reach` slots of where they are wanted.
///
/// O(slots). There must be an entry, and no more of them than slots; `marks` is overwritten.
pub(super) fn lay_out<K: Copy, V: Copy>(
    entries: (&[K], &[V]),
    wanted: impl Fn(K) -> usize,
    reach: usize,
    slots: (&mut [K], &mut [V]),
    marks: &mut Vec<u8>,
) -> usize {
    let (keys, values) = slots;
    marks.clear();
    marks.resize(keys.len(), 0);
    let spare = keys.len() - entries.0.len();
    let (mut slot, mut near) = (0, 0);
    for (at, &key) in entries.0.iter().enumerate().skip(1) {
        // No entry stands so late that one after it finds no room. The first stands in slot 0.
        let target = wanted(key);
        slot = target.clamp(slot + 1, at + spare);
        marks[slot] = 1;
        near += usize::from(slot.abs_diff(target) <= reach);
    }
    let mut at = 0;
    for ((key, value), mark) in keys.iter_mut().zip(values).zip(marks) {
        at += usize::from(*mark);
        (*key, *value) = (entries.0[at], entries.1[at]);
    }
    near + 1
}

/// Puts an entry among `len` packed ones, in O(len).
///
/// `slot` is the first slot whose key is not below the new one. There must be room.
pub(super) fn insert_packed<K: Copy, V: Copy>(
    slots: (&mut [K], &mut [V]),
    len: usize,
    slot: usize,
    entry: (K, V),
) {
    let (keys, values) = slots;
    if slot >= len {
        keys[len..].fill(entry.0);
        values[len] = entry.1;
        return;
    }
    keys.copy_within(slot..len, slot + 1);
    values.copy_within(slot..len, slot + 1);
    (keys[slot], values[slot]) = entry;
}

/// Puts an entry among gapped ones and returns how many others it had to move, in O(distance to a gap).
///
/// `slot` is the first slot whose key is not below the new one, `wanted` the slot where it would best be found.
/// There must be a gap.
pub(super) fn insert_gapped<K: Copy + Eq, V: Copy>(
    slots: (&mut [K], &mut [V]),
    slot: usize,
    wanted: usize,
    entry: (K, V),
) -> usize {
    let (keys, values) = slots;
    if slot > 1 && is_gap(keys, slot - 1) {
        // A run of gaps ends here: take the one nearest to what is wanted.
        let mut chosen = slot - 1;
        while chosen > wanted && chosen > 1 && is_gap(keys, chosen - 1) {
            chosen -= 1;
        }
        keys[chosen..slot].fill(entry.0);
        values[chosen] = entry.1;
        return 0;
    }
    if slot == 0 && is_gap(keys, 1) {
        // What was first gives way as far as its gaps allow: keys that descend go on without a move.
        let old = keys[0];
        let run = 1 + keys[1..].iter().take_while(|key| **key == old).count();
        values[run - 1] = values[0];
        keys[..run - 1].fill(entry.0);
        values[0] = entry.1;
        return 0;
    }
    for distance in 1..keys.len() {
        let right = slot + distance;
        if right < keys.len() && is_gap(keys, right) {
            keys.copy_within(slot..right, slot + 1);
            values.copy_within(slot..right, slot + 1);
            (keys[slot], values[slot]) = entry;
            return distance;
        }
        if slot > distance && is_gap(keys, slot - distance) {
            let left = slot - distance;
            keys.copy_within(left + 1..slot, left);
            values.copy_within(left + 1..slot, left);
            (keys[slot - 1], values[slot - 1]) = entry;
            return distance;
        }
    }
    unreachable!("a leaf with fewer entries than slots has a gap")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(keys: &[u32]) -> Vec<u32> {
        (0..keys.len()).filter(|slot| !is_gap(keys, *slot)).map(|slot| keys[slot]).collect()
    }

    #[test]
    fn entries_lie_where_they_are_wanted_if_there_is_room() {
        let (mut keys, mut values, mut marks) = ([0u32; 8], [0u8; 8], vec![]);
        let near =
            lay_out((&[0, 3, 4], &[1, 2, 3]), |key| key as usize, 0, (&mut keys, &mut values), &mut marks);
        assert_eq!((keys, near), ([0, 0, 0, 3, 4, 4, 4, 4], 3));
        let near =
            lay_out((&[6, 7, 8], &[1, 2, 3]), |key| key as usize, 0, (&mut keys, &mut values), &mut marks);
        assert_eq!((keys, near), ([6, 6, 6, 6, 6, 6, 7, 8], 1));
        assert_eq!((values[0], values[6], values[7]), (1, 2, 3));
        let mut packed = ([0; 8], [0; 8]);
        assert_eq!(gather((&keys, &values), (&mut packed.0, &mut packed.1)), 3);
        assert_eq!((&packed.0[..3], &packed.1[..3]), (&[6, 7, 8][..], &[1, 2, 3][..]));
    }

    #[test]
    fn every_way_of_filling_keeps_order_and_values() {
        for wanted in 0..8 {
            for first in 0..8u32 {
                let (mut keys, mut values) = ([first; 8], [first; 8]);
                let mut all = vec![first];
                for step in 1..8u32 {
                    let key = (first + step * 3) % 8;
                    let slot = keys.partition_point(|k| *k < key);
                    insert_gapped((&mut keys, &mut values), slot, wanted, (key, key));
                    all.push(key);
                    all.sort_unstable();
                    assert!(keys.is_sorted());
                    assert_eq!(entries(&keys), all, "{keys:?}");
                    assert!((0..8).all(|slot| is_gap(&keys, slot) || values[slot] == keys[slot]));
                }
            }
        }
    }

    #[test]
    fn packed_entries_stay_packed() {
        let (mut keys, mut values) = ([5u32; 4], [5u32; 4]);
        for (len, key) in [(1, 9), (2, 1), (3, 7)] {
            let slot = keys.partition_point(|k| *k < key);
            insert_packed((&mut keys, &mut values), len, slot, (key, key));
        }
        assert_eq!((keys, values), ([1, 5, 7, 9], [1, 5, 7, 9]));
    }
}
