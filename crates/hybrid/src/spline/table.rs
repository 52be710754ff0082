//! The radix table: among which knots to search, by the leading bits of a key's offset.

use core::ops::Range;

use crate::Key;
use crate::stored::u32_at;

/// Bytes of a slot.
pub(super) const SLOT_BYTES: usize = 4;
/// Largest table: 2^24 slots.
pub(super) const MOST_BITS: u32 = 24;

/// How offsets from the first knot are mapped to slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Radix {
    /// There are 2^bits slots.
    pub(super) bits: u32,
    /// Bits of an offset that are dropped.
    pub(super) shift: u32,
}

impl Radix {
    /// About one slot for a knot.
    pub(super) fn new(knot_count: usize, largest_offset: u128) -> Self {
        let bits = knot_count.next_power_of_two().trailing_zeros().min(MOST_BITS);
        let shift = (u128::BITS - largest_offset.leading_zeros()).saturating_sub(bits);
        Self { bits, shift }
    }

    pub(super) fn slot_count(self) -> usize {
        1 << self.bits
    }

    /// The slot of a key, the last one for keys beyond the last knot.
    #[inline(always)]
    pub(super) fn slot<K: Key>(self, key: K, first: K) -> usize {
        let offset = key.offset_from(first);
        let slot = if K::WIDTH <= 8 {
            (offset as u64) >> self.shift.min(63)
        } else {
            u64::try_from(offset >> self.shift.min(127)).unwrap_or(u64::MAX)
        };
        usize::try_from(slot).unwrap_or(usize::MAX).min(self.slot_count() - 1)
    }

    /// The table for sorted knots: slot by slot how many knots come before it, and at the end how many there
    /// are. O(slots + knots).
    pub(super) fn write_table<K: Key>(self, knots: impl Iterator<Item = K> + Clone, into: &mut Vec<u8>) {
        let (mut before, mut knots) = (0u32, knots.peekable());
        let Some(first) = knots.peek().copied() else { return };
        for slot in 0..=self.slot_count() {
            while knots.next_if(|knot| self.slot(*knot, first) < slot).is_some() {
                before = before.saturating_add(1);
            }
            into.extend_from_slice(&before.to_le_bytes());
        }
    }
}

/// The knots that a slot of a table points at.
#[inline(always)]
pub(super) fn knots_of(table: &[u8], slot: usize) -> Range<usize> {
    let entry = |at: usize| u32_at(table, at * SLOT_BYTES) as usize;
    entry(slot)..entry(slot + 1)
}
