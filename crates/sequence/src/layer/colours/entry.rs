//! How one set of a chunk is written: in full, as what it lacks, as a bitmap, or as the difference to another
//! one.

use super::set::ColourSet;

/// Entry begins with this: the set is given in full.
pub(super) const BASE_EMPTY: u64 = 0;
/// Entry begins with this: the set is given as what it lacks.
pub(super) const BASE_ALL: u64 = 1;
/// Entry begins with this: the set is given as a bitmap, lowest colour in the lowest bit of the first byte.
pub(super) const BASE_BITMAP: u64 = 2;
/// Entry begins with this plus twice the distance (in ids, less 1) to another set, plus 1 for a later one.
const BASE_OTHER: u64 = 3;

/// The number by which an entry names another set.
pub(super) fn base_for(id: u32, parent: u32) -> u64 {
    BASE_OTHER + 2 * (u64::from(id.abs_diff(parent)) - 1) + u64::from(parent > id)
}

/// The set that an entry names; none where there can be no such set.
pub(super) fn named_by(id: u32, base: u64) -> Option<u32> {
    let named = base.checked_sub(BASE_OTHER)?;
    let distance = u32::try_from(named / 2 + 1).ok()?;
    if named % 2 == 1 { id.checked_add(distance) } else { id.checked_sub(distance) }
}

/// What an entry begins with, and the rest of it.
pub(super) fn split(mut entry: &[u8]) -> Option<(u64, &[u8])> {
    let base = take_varint(&mut entry)?;
    Some((base, entry))
}

/// Toggles what the rest of an entry says, on the set that it names or on the empty one.
pub(super) fn toggle(base: u64, mut rest: &[u8], into: &mut ColourSet) -> Option<()> {
    match base {
        BASE_BITMAP => return into.toggle_bitmap(rest),
        BASE_ALL => into.toggle_every(),
        _ => {}
    }
    let mut next: u64 = 0;
    while !rest.is_empty() {
        let colour = next.checked_add(take_varint(&mut rest)?)?;
        if colour >= u64::from(into.colours()) {
            return None;
        }
        into.toggle(colour as u32);
        next = colour + 1;
    }
    Some(())
}

/// An entry that is a bitmap.
pub(super) fn push_bitmap(into: &mut Vec<u8>, set: &ColourSet) {
    push_varint(into, BASE_BITMAP);
    let bytes = set.words().iter().flat_map(|word| word.to_le_bytes());
    into.extend(bytes.take(set.colours().div_ceil(8) as usize));
}

/// The colours as distances, each from the one after its predecessor.
pub(super) fn push_list(into: &mut Vec<u8>, set: &ColourSet) {
    let mut next = 0;
    for colour in set.iter() {
        push_varint(into, u64::from(colour - next));
        next = colour + 1;
    }
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
pub(super) fn push_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sets_are_named_whether_earlier_or_later() {
        for (id, parent) in [(0, 1), (1, 0), (7, 3), (3, 7), (0, u32::MAX), (u32::MAX, 0)] {
            assert_eq!(named_by(id, base_for(id, parent)), Some(parent));
        }
        assert_eq!(named_by(0, BASE_OTHER), None);
        assert_eq!(named_by(u32::MAX, BASE_OTHER + 1), None);
        assert_eq!(named_by(5, u64::MAX), None);
    }
}
