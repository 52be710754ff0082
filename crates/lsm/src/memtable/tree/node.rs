//! A node: up to 15 records in slots, and one word that says which slots in which order.
//!
//! | words | content |
//! |---|---|
//! | 0 | the [`Order`] |
//! | 1 | how often slots were given up, so that they may be used again |
//! | 2 | leaf: the next leaf, 0 for none; inner node: the child before its first record |
//! | 3–17 | bytes 0 to 7 of each key, big-endian |
//! | 18–32 | bytes 8 to 11 of each key in the upper half; the [`Stamp`] of each entry in the lower |
//! | 33–47 | the location of each entry |
//! | 48–62 | inner node only: the child that begins with each record |
//!
//! A leaf takes six cache lines, an inner node eight.
//!
//! The one inserter writes a slot that the order does not name, then the order. A reader loads word 1, then the order,
//! then slots, then word 1 again: if that is the same, no slot that the order named was written meanwhile. Slots are
//! used again only after a split, which makes the order shorter, then counts word 1 up, then writes. The stores to
//! slots are `Release` and the reader's second look at word 1 comes behind an `Acquire` fence, so that whoever saw a
//! word of the new content sees the new count as well.
//!
//! What a reader takes from slots before that second look may be a mix of old and new, but each word by itself is
//! good: a child is a node of the right level, and a location, which is loaded with `Acquire`, names an entry whose
//! bytes are there.

use std::cmp::Ordering;

use super::super::head::Head;
use super::lines::{LINE_WORDS, Line};
use super::order::{Order, SLOTS};
use super::search::{Counting, Entry, Keys, Record, Search, Stamp};
use super::sync::Ordering::{Acquire, Relaxed, Release};
use super::sync::fence;

/// Cache lines of a leaf.
pub(super) const LEAF_LINES: usize = 6;
/// Cache lines of an inner node.
pub(super) const INNER_LINES: usize = 8;

const ORDER: usize = 0;
const REUSED: usize = 1;
const LINK: usize = 2;
const HEADS: usize = 3;
const TAILS: usize = HEADS + SLOTS;
const LOCATIONS: usize = TAILS + SLOTS;
const CHILDREN: usize = LOCATIONS + SLOTS;

const _: () = assert!(CHILDREN == LEAF_LINES * LINE_WORDS);
const _: () = assert!(CHILDREN + SLOTS < INNER_LINES * LINE_WORDS);

/// A view of a node's words.
#[derive(Clone, Copy)]
pub(super) struct Node<'a, const LINES: usize>(pub(super) &'a [Line; LINES]);

pub(super) type Leaf<'a> = Node<'a, LEAF_LINES>;
pub(super) type Inner<'a> = Node<'a, INNER_LINES>;

/// What a node says of its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) order: Order,
    reused: u64,
}

/// What makes a reader look again: the node was split under it, or the one above it learnt of another child.
#[derive(Debug)]
pub(super) struct Changed;

impl<const LINES: usize> Node<'_, LINES> {
    #[inline]
    fn word(&self, at: usize) -> &super::sync::AtomicU64 {
        &self.0[at / LINE_WORDS].0[at % LINE_WORDS]
    }

    /// A new node's, that nobody sees yet.
    pub(super) fn clear(&self) {
        self.word(ORDER).store(Order::EMPTY.to_bits(), Relaxed);
    }

    #[inline]
    pub(super) fn header(&self) -> Header {
        let reused = self.word(REUSED).load(Acquire);
        Header { order: Order::from_bits(self.word(ORDER).load(Acquire)), reused }
    }

    /// Whether what was read from slots since the header was is good.
    #[inline]
    pub(super) fn check_slots(&self, header: &Header) -> Result<(), Changed> {
        fence(Acquire);
        if self.word(REUSED).load(Relaxed) == header.reused { Ok(()) } else { Err(Changed) }
    }

    /// Whether the header is still what it was.
    #[inline]
    pub(super) fn check(&self, header: &Header) -> Result<(), Changed> {
        self.check_slots(header)?;
        if self.word(ORDER).load(Relaxed) == header.order.to_bits() { Ok(()) } else { Err(Changed) }
    }

    #[inline]
    pub(super) fn link(&self) -> u32 {
        self.word(LINK).load(Acquire) as u32
    }

    pub(super) fn set_link(&self, node: u32) {
        self.word(LINK).store(u64::from(node), Release);
    }

    #[inline]
    fn tail(&self, slot: usize) -> (u32, Stamp) {
        let tail = self.word(TAILS + slot).load(Relaxed);
        ((tail >> 32) as u32, Stamp(tail as u32))
    }

    /// The location and the stamp in a slot.
    #[inline]
    fn parts(&self, slot: usize) -> (u64, Stamp) {
        (self.word(LOCATIONS + slot).load(Acquire), self.tail(slot).1)
    }

    /// The record in a slot.
    pub(super) fn record(&self, slot: usize) -> Record {
        let (location, stamp) = self.parts(slot);
        Record { head: self.head(slot), stamp, location }
    }

    /// The entry in a slot.
    #[inline]
    pub(super) fn entry<K>(&self, slot: usize, search: &Search<'_, K>) -> Entry {
        let (location, stamp) = self.parts(slot);
        search.base.entry(location, stamp)
    }

    #[inline]
    pub(super) fn head(&self, slot: usize) -> Head {
        Head { first: self.word(HEADS + slot).load(Relaxed), rest: self.tail(slot).0 }
    }

    /// How the entry in a slot stands to what is searched.
    #[inline]
    pub(super) fn compare<K: Keys>(&self, slot: usize, search: &Search<'_, K>) -> Ordering {
        let target = &search.target;
        self.word(HEADS + slot).load(Relaxed).cmp(&target.head().first).then_with(|| {
            target.compare(self.head(slot), || {
                let (location, stamp) = self.parts(slot);
                (search.keys.key(location), search.base.sequence(stamp))
            })
        })
    }

    /// How many of the entries come before what is searched, or are it where that counts.
    #[inline]
    pub(super) fn rank<K: Keys>(&self, order: Order, search: &Search<'_, K>, counting: Counting) -> usize {
        let (mut from, mut until) = (0, order.len());
        while from < until {
            let middle = (from + until) / 2;
            let counts = match self.compare(order.slot(middle), search) {
                Ordering::Less => true,
                Ordering::Equal => counting == Counting::UpTo,
                Ordering::Greater => false,
            };
            if counts {
                from = middle + 1;
            } else {
                until = middle;
            }
        }
        from
    }

    /// Writes a free slot; answers it.
    fn fill(&self, order: Order, record: &Record) -> usize {
        let slot = order.slot(order.len());
        self.word(HEADS + slot).store(record.head.first, Release);
        let tail = u64::from(record.head.rest) << 32 | u64::from(record.stamp.0);
        self.word(TAILS + slot).store(tail, Release);
        self.word(LOCATIONS + slot).store(record.location, Release);
        slot
    }

    fn set_order(&self, order: Order) {
        self.word(ORDER).store(order.to_bits(), Release);
    }

    /// Leaves only the first `len` records, and lets the slots of the others be used again.
    pub(super) fn give_up(&self, header: &Header, len: usize) {
        self.set_order(header.order.cut(len));
        self.word(REUSED).store(header.reused + 1, Release);
    }
}

impl Leaf<'_> {
    /// Adds a record at a rank; there must be a free slot.
    pub(super) fn put(&self, rank: usize, record: &Record) {
        let order = self.header().order;
        self.fill(order, record);
        self.set_order(order.with_free_at(rank));
    }

    /// Fills a leaf, which is empty and not seen by anybody yet, with records in order.
    pub(super) fn put_all(&self, records: &[Record]) {
        for (rank, record) in records.iter().enumerate() {
            self.fill(Order::in_turn(rank), record);
        }
        self.set_order(Order::in_turn(records.len()));
    }

    /// Copies the records from position `from` on to `other`, which is empty and not seen by anybody yet.
    pub(super) fn copy_upper(&self, order: Order, from: usize, other: &Self) {
        for (rank, position) in (from..order.len()).enumerate() {
            other.put(rank, &self.record(order.slot(position)));
        }
    }
}

impl Inner<'_> {
    /// The child that follows the first `rank` records.
    #[inline]
    pub(super) fn child(&self, order: Order, rank: usize) -> u32 {
        match rank.checked_sub(1) {
            None => self.link(),
            Some(position) => self.word(CHILDREN + order.slot(position)).load(Acquire) as u32,
        }
    }

    /// Adds a record at a rank, and the child that begins with it; there must be a free slot.
    pub(super) fn put(&self, rank: usize, record: &Record, child: u32) {
        let order = self.header().order;
        let slot = self.fill(order, record);
        self.word(CHILDREN + slot).store(u64::from(child), Release);
        self.set_order(order.with_free_at(rank));
    }

    /// Copies the records from position `from` on to `other`, which is empty and not seen by anybody yet.
    pub(super) fn copy_upper(&self, order: Order, from: usize, other: &Self) {
        for (rank, position) in (from..order.len()).enumerate() {
            other.put(rank, &self.record(order.slot(position)), self.child(order, position + 1));
        }
    }
}
