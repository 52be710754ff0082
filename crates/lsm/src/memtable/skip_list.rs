//! An ordered index over entries that live elsewhere: a skip list whose links are words in an arena.
//!
//! One inserter, any number of readers that never wait. Nodes are never removed, so a reader that holds a node's
//! number may go on from it at any time. (William Pugh, "Skip Lists: A Probabilistic Alternative to Balanced
//! Trees", 1990; the splice that makes sorted insertion cheap is the search's own path kept from one insertion
//! to the next.)
//!
//! A node is a run of words:
//!
//! | words | content |
//! |---|---|
//! | 0–1 | location of the entry, low word first |
//! | 2–3 | sequence, low word first; the top byte of word 3 is the kind and, from bit 4 of it, the height |
//! | 4–6 | the first twelve bytes of the key, big-endian, padded with zeros |
//! | 7.. | a link for each of its levels |
//!
//! The key's head decides most comparisons without touching the entry, which is a cache miss saved each time.
//! Nodes lie in the arena in the order in which they were inserted, which is commit order: that is how a
//! transaction finds what was committed after it began, without a second list.
//!
//! The inserter writes a node's words first and links it with `Release`; readers follow links with `Acquire`.

use std::cmp::Ordering;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::arena::{Arena, ArenaFull};

/// Links of the highest node; with a quarter going up a level, enough for 16 million entries.
const MAX_HEIGHT: usize = 12;
const HEADER_WORDS: u32 = 7;
/// The node that stands before all others.
const HEAD: u32 = 1;

/// Words that an entry may take at most.
pub(super) const MAX_NODE_WORDS: u32 = HEADER_WORDS + MAX_HEIGHT as u32;

/// Finds the key of an entry by the location that was given when it was inserted.
pub(super) trait Keys {
    /// The key of the entry at `location`.
    fn key(&self, location: u64) -> &[u8];
}

/// A node's number; stays good as long as the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(u32);

impl Node {
    /// Where it lies in the arena.
    pub(super) fn position(self) -> u32 {
        self.0
    }
}

/// What a node says without touching its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeHeader {
    pub(super) location: u64,
    pub(super) sequence: u64,
    pub(super) kind: u8,
}

/// See the module.
#[derive(Debug)]
pub(super) struct SkipList {
    arena: Arena,
    /// Levels in use; written by the inserter, a hint for readers.
    height: AtomicU32,
    bytes: AtomicU64,
}

/// The inserter's state: where the next node goes, and the path of the last insertion. There is one for a list;
/// whoever holds it inserts.
#[derive(Debug)]
pub(super) struct Inserter {
    position: u32,
    random: u64,
    path: [u32; MAX_HEIGHT],
}

/// A key with its head taken off once, for many comparisons.
#[derive(Clone, Copy)]
struct Target<'a> {
    head: (u32, u64),
    key: &'a [u8],
    sequence: u64,
}

impl<'a> Target<'a> {
    fn new(key: &'a [u8], sequence: u64) -> Self {
        Target { head: head_of(key), key, sequence }
    }
}

/// The first twelve bytes of a key, padded with zeros, as two numbers that order as the bytes do.
#[inline]
pub(crate) fn head_of(key: &[u8]) -> (u32, u64) {
    let mut bytes = [0_u8; 12];
    let taken = key.len().min(12);
    bytes[..taken].copy_from_slice(&key[..taken]);
    let (first, rest) = bytes.split_at(4);
    let mut high = [0; 4];
    high.copy_from_slice(first);
    let mut low = [0; 8];
    low.copy_from_slice(rest);
    (u32::from_be_bytes(high), u64::from_be_bytes(low))
}

/// The head of the key of the node with these words.
#[inline]
fn head_in(words: &[AtomicU32]) -> (u32, u64) {
    let low = u64::from(words[5].load(Relaxed)) << 32 | u64::from(words[6].load(Relaxed));
    (words[4].load(Relaxed), low)
}

fn pair(words: &[AtomicU32]) -> u64 {
    u64::from(words[0].load(Relaxed)) | u64::from(words[1].load(Relaxed)) << 32
}

impl SkipList {
    /// An empty list of at most `max_bytes` of nodes, and its inserter. `chunk_bits` is the base-two logarithm of
    /// the words of one allocation.
    pub(super) fn new(max_bytes: usize, chunk_bits: u32) -> Result<(SkipList, Inserter), ArenaFull> {
        let arena = Arena::new(max_bytes / 4, chunk_bits.max(6));
        let head = arena.place(HEAD, MAX_NODE_WORDS)?;
        debug_assert_eq!(head, HEAD);
        let bytes = AtomicU64::new(arena.chunk_bytes() as u64);
        let list = SkipList { arena, height: AtomicU32::new(1), bytes };
        let inserter = Inserter {
            position: HEAD + MAX_NODE_WORDS,
            random: 0x9e37_79b9_7f4a_7c15,
            path: [HEAD; MAX_HEIGHT],
        };
        Ok((list, inserter))
    }

    /// Bytes taken for nodes, unused ends of chunks included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed) as usize
    }

    /// Adds an entry; `(key, sequence)` must be new. Answers its node, and the node of the version of the key just
    /// older than it, if there is one. Expected time logarithmic in the length, constant where keys come in
    /// ascending order.
    pub(super) fn insert(
        &self,
        inserter: &mut Inserter,
        keys: &impl Keys,
        key: &[u8],
        header: NodeHeader,
    ) -> Result<(Node, Option<Node>), ArenaFull> {
        let height = inserter.random_height();
        let words = HEADER_WORDS + height as u32;
        let start = self.arena.place(inserter.position, words)?;
        inserter.position = start + words;
        let chunk_bytes = self.arena.chunk_bytes() as u64;
        let reached = (u64::from(start + words) * 4).div_ceil(chunk_bytes) * chunk_bytes;
        self.bytes.fetch_max(reached, Relaxed);

        let target = Target::new(key, header.sequence);
        self.find_path(inserter, keys, target);
        let node = self.arena.from(start);
        node[0].store(header.location as u32, Relaxed);
        node[1].store((header.location >> 32) as u32, Relaxed);
        node[2].store(header.sequence as u32, Relaxed);
        let top = u32::from(header.kind) | (height as u32) << 4;
        node[3].store((header.sequence >> 32) as u32 | top << 24, Relaxed);
        node[4].store(target.head.0, Relaxed);
        node[5].store((target.head.1 >> 32) as u32, Relaxed);
        node[6].store(target.head.1 as u32, Relaxed);
        for (level, previous) in inserter.path.iter_mut().enumerate().take(height) {
            let link = &self.arena.from(*previous)[HEADER_WORDS as usize + level];
            node[HEADER_WORDS as usize + level].store(link.load(Relaxed), Relaxed);
            link.store(start, Release);
            *previous = start;
        }
        self.height.fetch_max(height as u32, Relaxed);
        Ok((Node(start), self.same_key_after(start, keys, target)))
    }

    /// The node after `node`, which was inserted for `target`, if it has the same key.
    fn same_key_after(&self, node: u32, keys: &impl Keys, target: Target<'_>) -> Option<Node> {
        let after = self.link(node, 0);
        if after == 0 {
            return None;
        }
        let words = self.arena.from(after);
        (head_in(words) == target.head && keys.key(pair(words)) == target.key).then_some(Node(after))
    }

    /// Makes the inserter's path the last node before `target` on every level, starting from the path of the
    /// last insertion where that is near.
    fn find_path(&self, inserter: &mut Inserter, keys: &impl Keys, target: Target<'_>) {
        let top = self.height.load(Relaxed) as usize;
        // The lowest level whose kept step still encloses the target; below it the path must be searched anew.
        let mut level = 0;
        while level < top {
            let previous = inserter.path[level];
            let after = self.link(previous, level);
            let starts_before = previous == HEAD || self.is_before(previous, keys, target);
            if starts_before && (after == 0 || !self.is_before(after, keys, target)) {
                break;
            }
            level += 1;
        }
        let mut at = if level == top { HEAD } else { inserter.path[level] };
        for level in (0..level.min(top)).rev() {
            (at, _) = self.walk(at, level, keys, target);
            inserter.path[level] = at;
        }
    }

    /// The last node at or after `at` on `level` that comes before `target`, and the node after it, 0 if none. Both
    /// belong together: whoever looked for the next node again could find one that was inserted meanwhile and comes
    /// before `target`, too.
    #[inline]
    fn walk(&self, mut at: u32, level: usize, keys: &impl Keys, target: Target<'_>) -> (u32, u32) {
        loop {
            let next = self.link(at, level);
            if next == 0 || !self.is_before(next, keys, target) {
                return (at, next);
            }
            at = next;
        }
    }

    /// The neighbours of `target`: the last node before it, and the first that is not, 0 if none.
    fn neighbours(&self, keys: &impl Keys, target: Target<'_>) -> (u32, u32) {
        let (mut at, mut next) = (HEAD, 0);
        for level in (0..self.height.load(Relaxed) as usize).rev() {
            (at, next) = self.walk(at, level, keys, target);
        }
        (at, next)
    }

    #[inline]
    fn link(&self, node: u32, level: usize) -> u32 {
        self.arena.from(node)[HEADER_WORDS as usize + level].load(Acquire)
    }

    #[inline]
    fn is_before(&self, node: u32, keys: &impl Keys, target: Target<'_>) -> bool {
        let words = self.arena.from(node);
        let order = head_in(words).cmp(&target.head).then_with(|| {
            let key = keys.key(pair(words));
            key.cmp(target.key).then_with(|| target.sequence.cmp(&sequence_of(words)))
        });
        order == Ordering::Less
    }

    /// The first entry at or after `(key, sequence)`, where larger sequences of a key come first.
    pub(super) fn seek(&self, keys: &impl Keys, key: &[u8], sequence: u64) -> Option<Node> {
        let (_, found) = self.neighbours(keys, Target::new(key, sequence));
        (found != 0).then_some(Node(found))
    }

    /// The last entry before `(key, sequence)`.
    pub(super) fn seek_before(&self, keys: &impl Keys, key: &[u8], sequence: u64) -> Option<Node> {
        let (found, _) = self.neighbours(keys, Target::new(key, sequence));
        (found != HEAD).then_some(Node(found))
    }

    /// The first entry.
    pub(super) fn first(&self) -> Option<Node> {
        self.after(Node(HEAD))
    }

    /// The last entry.
    pub(super) fn last(&self) -> Option<Node> {
        let mut at = HEAD;
        for level in (0..self.height.load(Relaxed) as usize).rev() {
            loop {
                let next = self.link(at, level);
                if next == 0 {
                    break;
                }
                at = next;
            }
        }
        (at != HEAD).then_some(Node(at))
    }

    /// The entry after `node`.
    pub(super) fn after(&self, node: Node) -> Option<Node> {
        let next = self.link(node.0, 0);
        (next != 0).then_some(Node(next))
    }

    /// What `node` says of its entry.
    #[inline]
    pub(super) fn header(&self, node: Node) -> NodeHeader {
        let words = self.arena.from(node.0);
        NodeHeader {
            location: pair(words),
            sequence: sequence_of(words),
            kind: (words[3].load(Relaxed) >> 24) as u8 & 0xf,
        }
    }

    /// The nodes from arena position `from` (the start of a node) up to position `end`, as they were inserted.
    pub(super) fn in_insertion_order(&self, from: u32, end: u32) -> impl Iterator<Item = Node> + '_ {
        let chunk_words = (self.arena.chunk_bytes() / 4) as u32;
        let mut at = from;
        std::iter::from_fn(move || {
            while at < end {
                let words = self.arena.from(at);
                let height = words.get(3).map_or(0, |word| word.load(Relaxed) >> 28);
                if height == 0 {
                    // Too little was left of this chunk for the node that came next.
                    at = (at / chunk_words + 1) * chunk_words;
                    continue;
                }
                let node = Node(at);
                at += HEADER_WORDS + height;
                return Some(node);
            }
            None
        })
    }
}

fn sequence_of(words: &[AtomicU32]) -> u64 {
    pair(&words[2..]) & ((1 << 56) - 1)
}

impl Inserter {
    /// Where the next node goes, or a little after it.
    pub(super) fn position(&self) -> u32 {
        self.position
    }

    /// One plus the number of times a quarter's chance came true.
    fn random_height(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let bits = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (1 + bits.trailing_zeros() as usize / 2).min(MAX_HEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::OnceLock;

    /// Entries as they come; a location is an index.
    struct Keeper(Vec<OnceLock<Vec<u8>>>);

    impl Keys for Keeper {
        fn key(&self, location: u64) -> &[u8] {
            self.0[location as usize].get().unwrap()
        }
    }

    fn keeper(count: usize) -> Keeper {
        Keeper((0..count).map(|_| OnceLock::new()).collect())
    }

    fn add(list: &SkipList, inserter: &mut Inserter, keys: &Keeper, number: u64, key: &[u8]) {
        keys.0[number as usize].set(key.to_vec()).unwrap();
        let header = NodeHeader { location: number, sequence: number, kind: (number % 2) as u8 };
        let _ = list.insert(inserter, keys, key, header).unwrap();
    }

    fn key_of(number: u64, order: u32) -> Vec<u8> {
        let mixed = match order {
            0 => number,
            1 => u64::MAX - number,
            _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 257,
        };
        let mut key = mixed.to_be_bytes().to_vec();
        // Long shared heads for some, so that heads alone cannot decide.
        if order == 3 {
            key = [b"a shared head that is long ".as_slice(), &key].concat();
        }
        key
    }

    #[test]
    fn it_orders_as_a_map_does_for_ascending_descending_and_mixed_keys() {
        for order in 0..4 {
            let keys = keeper(2000);
            let (list, mut inserter) = SkipList::new(1 << 20, 8).unwrap();
            let mut model = BTreeMap::new();
            for number in 1..2000 {
                let key = key_of(number, order);
                add(&list, &mut inserter, &keys, number, &key);
                model.insert((key, u64::MAX - number), number);
            }
            let mut at = list.first();
            for &number in model.values() {
                assert_eq!(list.header(at.unwrap()).location, number);
                at = list.after(at.unwrap());
            }
            assert_eq!(at, None);
            for number in (0..2100).step_by(7) {
                let key = key_of(number, order);
                let probe = (key.clone(), u64::MAX - number);
                let expected = model.range(probe.clone()..).next().map(|entry| *entry.1);
                let found = list.seek(&keys, &key, number).map(|node| list.header(node).location);
                assert_eq!(found, expected);
                let expected = model.range(..probe).next_back().map(|entry| *entry.1);
                let found = list.seek_before(&keys, &key, number).map(|node| list.header(node).location);
                assert_eq!(found, expected);
            }
            let start = HEAD + MAX_NODE_WORDS;
            let inserted = list.in_insertion_order(start, inserter.position());
            let sequences: Vec<u64> = inserted.map(|node| list.header(node).sequence).collect();
            assert_eq!(sequences, (1..2000).collect::<Vec<_>>());
            assert_eq!(list.last().map(|node| list.header(node).location), model.values().last().copied());
        }
    }

    #[test]
    fn readers_see_a_growing_ordered_list_while_it_is_filled() {
        let keys = keeper(20_000);
        let (list, mut inserter) = SkipList::new(4 << 20, 10).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while seen < 19_999 {
                        let mut count = 0;
                        let mut previous: Option<&[u8]> = None;
                        let mut at = list.first();
                        while let Some(node) = at {
                            let key = keys.key(list.header(node).location);
                            assert!(previous.is_none_or(|previous| previous < key));
                            previous = Some(key);
                            count += 1;
                            at = list.after(node);
                        }
                        assert!(count >= seen, "entries never vanish");
                        seen = count;
                    }
                });
            }
            for number in 1..20_000_u64 {
                let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
                add(&list, &mut inserter, &keys, number, &key);
            }
        });
    }

    #[test]
    fn a_reader_never_finds_a_version_newer_than_it_asked_for() {
        let keys = keeper(30_000);
        let (list, mut inserter) = SkipList::new(4 << 20, 10).unwrap();
        add(&list, &mut inserter, &keys, 1, b"key");
        let linked = AtomicU64::new(1);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let sequence = linked.load(Acquire);
                        let found = list.seek(&keys, b"key", sequence).unwrap();
                        assert_eq!(list.header(found).sequence, sequence);
                        if sequence == 29_999 {
                            return;
                        }
                    }
                });
            }
            for number in 2..30_000_u64 {
                add(&list, &mut inserter, &keys, number, b"key");
                linked.store(number, Release);
            }
        });
    }

    #[test]
    fn a_full_list_refuses_and_stays_whole() {
        let keys = keeper(1000);
        let (list, mut inserter) = SkipList::new(2048, 6).unwrap();
        let mut added = 0;
        for number in 1..1000_u64 {
            keys.0[number as usize].set(number.to_be_bytes().to_vec()).unwrap();
            let header = NodeHeader { location: number, sequence: number, kind: 1 };
            if list.insert(&mut inserter, &keys, &number.to_be_bytes(), header) == Err(ArenaFull) {
                break;
            }
            added += 1;
        }
        assert!((20..80).contains(&added));
        let mut count = 0;
        let mut at = list.first();
        while let Some(node) = at {
            count += 1;
            at = list.after(node);
        }
        assert_eq!(count, added);
    }
}
