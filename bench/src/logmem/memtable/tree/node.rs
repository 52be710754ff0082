//! A node: up to 14 entries in the slots in which they came, and one word that says which slots in which order.
//!
//! | words | content |
//! |---|---|
//! | 0 | the order: number of entries in the low four bits, then the slot of each in four bits |
//! | 1 | how often slots were given up, so that they may be used again |
//! | 2 | leaf: the next leaf; inner node: the child before its first entry |
//! | 3–9 | bytes 9 to 12 of each key, two to a word |
//! | 10–23 | the first eight bytes of each key, big-endian |
//! | 24–37 | the location of each entry |
//! | 38–51 | the sequence of each entry and, in the top byte, its kind |
//! | 52–58 | inner node only: the child that begins with each entry, two to a word |
//!
//! The one inserter writes a slot that the order does not name, then the order. A reader loads word 1, then the
//! order, then slots, then word 1 again: if that is the same, no slot that the order named was written meanwhile.
//! Slots are only used again after a split, which first makes the order shorter and then counts word 1 up. So a
//! reader starts anew when a node is split under it, and at no other time; it waits for nobody.

use std::cmp::Ordering;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use super::order::{Entry, Target};

/// Entries of a node.
pub(super) const SLOTS: usize = 14;
pub(super) const LEAF_WORDS: usize = 52;
pub(super) const INNER_WORDS: usize = 59;

const ORDER: usize = 0;
const REUSED: usize = 1;
const LINK: usize = 2;
const LOW_HEADS: usize = 3;
const HIGH_HEADS: usize = 10;
const LOCATIONS: usize = 24;
const SEQUENCES: usize = 38;
const CHILDREN: usize = 52;

/// The entries of a node in their order.
#[derive(Clone, Copy)]
pub(super) struct Order(u64);

impl Order {
    /// None yet.
    pub(super) const EMPTY: Order = Order(0);

    pub(super) fn len(self) -> usize {
        (self.0 & 15) as usize
    }

    #[inline]
    pub(super) fn slot(self, position: usize) -> usize {
        ((self.0 >> (4 + 4 * position)) & 15) as usize
    }

    /// With `slot` at `position`, those behind it moved on.
    pub(super) fn with(self, position: usize, slot: usize) -> Order {
        let slots = self.0 >> 4;
        let before = slots & ((1 << (4 * position)) - 1);
        let behind = (slots >> (4 * position)) << (4 * position + 4);
        let slots = before | ((slot as u64) << (4 * position)) | behind;
        Order((slots << 4) | (self.len() as u64 + 1))
    }

    /// Only the first `len` entries.
    pub(super) fn cut(self, len: usize) -> Order {
        Order((self.0 & ((1 << (4 + 4 * len)) - 1) & !15) | len as u64)
    }

    /// A slot that it does not name; it has fewer than all.
    pub(super) fn free_slot(self) -> usize {
        let used = (0..self.len()).fold(0_u32, |used, position| used | (1 << self.slot(position)));
        used.trailing_ones() as usize
    }
}

/// Finds the key of an entry by its location.
pub(super) type KeyAt<'a> = dyn Fn(u64) -> &'a [u8] + 'a;

/// A view of a node's words: those of a leaf, or those of an inner node.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(pub(super) &'a [AtomicU64]);

/// What makes a reader start again: the node was split under it.
pub(super) struct WasSplit;

impl<'a> Node<'a> {
    #[inline]
    fn word(self, at: usize) -> u64 {
        self.0[at].load(Relaxed)
    }

    #[inline]
    fn half(self, base: usize, slot: usize) -> u32 {
        (self.word(base + slot / 2) >> (32 * (slot % 2))) as u32
    }

    fn set_half(self, base: usize, slot: usize, half: u32) {
        let (word, shift) = (base + slot / 2, 32 * (slot % 2));
        let kept = self.word(word) & !(0xffff_ffff << shift);
        // Two slots share the word, and the other one may be in use: its half is written as it is.
        self.0[word].store(kept | (u64::from(half) << shift), Release);
    }

    pub(super) fn is_inner(self) -> bool {
        self.0.len() == INNER_WORDS
    }

    /// The order, and what [`check`](Node::check) wants.
    #[inline]
    pub(super) fn order(self) -> (Order, u64) {
        let reused = self.0[REUSED].load(Acquire);
        (Order(self.0[ORDER].load(Acquire)), reused)
    }

    /// Whether what was read since the order was is good.
    #[inline]
    pub(super) fn check(self, reused: u64) -> Result<(), WasSplit> {
        fence(Acquire);
        if self.0[REUSED].load(Relaxed) == reused { Ok(()) } else { Err(WasSplit) }
    }

    #[inline]
    pub(super) fn link(self) -> u32 {
        self.0[LINK].load(Acquire) as u32
    }

    pub(super) fn set_link(self, node: u32) {
        self.0[LINK].store(u64::from(node), Release);
    }

    pub(super) fn child(self, slot: usize) -> u32 {
        self.half(CHILDREN, slot)
    }

    #[inline]
    pub(super) fn entry(self, slot: usize) -> Entry {
        let sequence = self.word(SEQUENCES + slot);
        Entry {
            location: self.word(LOCATIONS + slot),
            sequence: (sequence << 8) >> 8,
            kind: (sequence >> 56) as u8,
        }
    }

    pub(super) fn head(self, slot: usize) -> (u64, u32) {
        (self.word(HIGH_HEADS + slot), self.half(LOW_HEADS, slot))
    }

    /// Writes a slot that the order does not name.
    pub(super) fn set_slot(self, slot: usize, head: (u64, u32), entry: Entry, child: u32) {
        self.0[HIGH_HEADS + slot].store(head.0, Release);
        self.set_half(LOW_HEADS, slot, head.1);
        self.0[LOCATIONS + slot].store(entry.location, Release);
        self.0[SEQUENCES + slot].store(entry.sequence | (u64::from(entry.kind) << 56), Release);
        if self.is_inner() {
            self.set_half(CHILDREN, slot, child);
        }
    }

    pub(super) fn set_order(self, order: Order) {
        self.0[ORDER].store(order.0, Release);
    }

    /// Gives up the slots that `order` no longer names.
    pub(super) fn give_up(self, order: Order) {
        self.set_order(order);
        self.0[REUSED].store(self.word(REUSED) + 1, Release);
    }

    /// How many of the first entries come before `target` (or are it, where `or_equal`).
    #[inline]
    pub(super) fn rank(self, order: Order, target: &Target<'_>, key_at: &KeyAt<'_>, or_equal: bool) -> usize {
        let (mut from, mut until) = (0, order.len());
        while from < until {
            let middle = (from + until) / 2;
            let before = match self.compare(order.slot(middle), target, key_at) {
                Ordering::Less => true,
                Ordering::Equal => or_equal,
                Ordering::Greater => false,
            };
            if before {
                from = middle + 1;
            } else {
                until = middle;
            }
        }
        from
    }

    #[inline]
    pub(super) fn compare(self, slot: usize, target: &Target<'_>, key_at: &KeyAt<'_>) -> Ordering {
        self.word(HIGH_HEADS + slot)
            .cmp(&target.head.0)
            .then_with(|| self.half(LOW_HEADS, slot).cmp(&target.head.1))
            .then_with(|| {
                let entry = self.entry(slot);
                key_at(entry.location).cmp(target.key).then_with(|| target.sequence.cmp(&entry.sequence))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_list_of_slots() {
        let mut order = Order::EMPTY;
        let mut model = Vec::new();
        for number in 0..SLOTS {
            let slot = order.free_slot();
            let position = number * 5 % (number + 1);
            order = order.with(position, slot);
            model.insert(position, slot);
            assert_eq!((0..order.len()).map(|at| order.slot(at)).collect::<Vec<_>>(), model);
        }
        let cut = order.cut(6);
        assert_eq!((0..cut.len()).map(|at| cut.slot(at)).collect::<Vec<_>>(), model[..6]);
        assert!(!model[..6].contains(&cut.free_slot()));
    }
}
