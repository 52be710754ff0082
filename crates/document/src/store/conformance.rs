//! What every store must do, as a suite that each implementation runs in its own tests.
//!
//! ```
//! use std::sync::Arc;
//! use stroma_document::store::{MemoryStore, conformance};
//!
//! conformance::run(|| Arc::new(MemoryStore::new()));
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    CommitOptions, CommitToken, Direction, Entries, Entry, KeyRange, OrderedStore, StoreError,
    StoreTransaction,
};

/// Runs every check, each on a new empty store.
///
/// # Panics
/// At the first promise of the traits that the store breaks.
pub fn run(make: impl Fn() -> Arc<dyn OrderedStore>) {
    reads_what_was_committed(&*make());
    snapshots_stay_as_they_are(&*make());
    scans_both_ways(&*make());
    streams_outlive_the_store_handle(make());
    transactions_read_their_own_writes(&*make());
    dropped_transactions_leave_nothing(&*make());
    a_changed_read_is_a_conflict(&*make());
    an_entry_new_to_a_scanned_range_is_a_conflict(&*make());
    unrelated_and_blind_writes_do_not_conflict(&*make());
    deleted_ranges_are_gone_at_commit(&*make());
    tokens_grow(&*make());
    agrees_with_a_map(&*make());
}

fn begin(store: &dyn OrderedStore) -> Box<dyn StoreTransaction> {
    store.begin().expect("a transaction begins")
}

fn commit(transaction: Box<dyn StoreTransaction>) -> CommitToken {
    transaction.commit(CommitOptions::default()).expect("nothing conflicts")
}

fn put_all(store: &dyn OrderedStore, entries: &[(&[u8], &[u8])]) -> CommitToken {
    let mut transaction = begin(store);
    for (key, value) in entries {
        transaction.put(key, value).expect("a put is taken");
    }
    commit(transaction)
}

fn collect(entries: Entries<'_>) -> Vec<Entry> {
    entries.map(|entry| entry.expect("an entry is readable")).collect()
}

fn keys(entries: Entries<'_>) -> Vec<Vec<u8>> {
    collect(entries).into_iter().map(|(key, _)| key).collect()
}

fn reads_what_was_committed(store: &dyn OrderedStore) {
    let large = vec![7_u8; 300_000];
    put_all(store, &[(b"", b"empty key"), (b"a", b""), (b"b", &large)]);
    let view = store.snapshot().expect("a snapshot is given");
    assert_eq!(view.get(b"").expect("readable").as_deref(), Some(&b"empty key"[..]));
    assert_eq!(view.get(b"a").expect("readable").as_deref(), Some(&b""[..]), "an empty value is a value");
    assert_eq!(view.get(b"b").expect("readable"), Some(large));
    assert_eq!(view.get(b"c").expect("readable"), None);
}

fn snapshots_stay_as_they_are(store: &dyn OrderedStore) {
    put_all(store, &[(b"a", b"1"), (b"b", b"1")]);
    let old = store.snapshot().expect("a snapshot is given");
    let mut stream = old.scan(KeyRange::all(), Direction::Forward).expect("a scan begins");
    let mut transaction = begin(store);
    transaction.put(b"a", b"2").expect("a put is taken");
    transaction.delete(b"b").expect("a delete is taken");
    transaction.put(b"c", b"2").expect("a put is taken");
    commit(transaction);
    let first = stream.next().expect("an entry").expect("readable");
    assert_eq!(first, (b"a".to_vec(), b"1".to_vec()));
    assert_eq!(keys(stream), [b"b".to_vec()]);
    assert_eq!(old.get(b"a").expect("readable").as_deref(), Some(&b"1"[..]));
    let new = store.snapshot().expect("a snapshot is given");
    assert_eq!(
        keys(new.scan(KeyRange::all(), Direction::Forward).expect("a scan begins")),
        [b"a".to_vec(), b"c".to_vec()]
    );
}

fn scans_both_ways(store: &dyn OrderedStore) {
    let mut transaction = begin(store);
    for number in 0..1000_u16 {
        transaction.put(&number.to_be_bytes(), b"v").expect("a put is taken");
    }
    commit(transaction);
    let view = store.snapshot().expect("a snapshot is given");
    let range = KeyRange::between(100_u16.to_be_bytes().to_vec(), 900_u16.to_be_bytes().to_vec());
    let expected: Vec<Vec<u8>> = (100..900_u16).map(|number| number.to_be_bytes().to_vec()).collect();
    assert_eq!(keys(view.scan(range.clone(), Direction::Forward).expect("a scan begins")), expected);
    let mut backward = keys(view.scan(range, Direction::Backward).expect("a scan begins"));
    backward.reverse();
    assert_eq!(backward, expected);
    let nothing = KeyRange::between(vec![5], vec![5]);
    assert!(keys(view.scan(nothing, Direction::Forward).expect("a scan begins")).is_empty());
    let turned = KeyRange::between(vec![2], vec![1]);
    assert!(keys(view.scan(turned, Direction::Backward).expect("a scan begins")).is_empty());
}

fn streams_outlive_the_store_handle(store: Arc<dyn OrderedStore>) {
    put_all(&*store, &[(b"a", b"1"), (b"b", b"2")]);
    let view = store.snapshot().expect("a snapshot is given");
    let stream = view.scan(KeyRange::all(), Direction::Forward).expect("a scan begins");
    drop(view);
    drop(store);
    assert_eq!(collect(stream).len(), 2);
}

fn transactions_read_their_own_writes(store: &dyn OrderedStore) {
    put_all(store, &[(b"a", b"1"), (b"b", b"1"), (b"d", b"1")]);
    let mut transaction = begin(store);
    transaction.put(b"a", b"2").expect("a put is taken");
    transaction.delete(b"b").expect("a delete is taken");
    transaction.put(b"c", b"2").expect("a put is taken");
    assert_eq!(transaction.get(b"a").expect("readable").as_deref(), Some(&b"2"[..]));
    assert_eq!(transaction.get(b"b").expect("readable"), None);
    let seen = |direction| collect(transaction.scan(KeyRange::all(), direction).expect("a scan begins"));
    let mut expected =
        vec![(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"2".to_vec()), (b"d".to_vec(), b"1".to_vec())];
    assert_eq!(seen(Direction::Forward), expected);
    expected.reverse();
    assert_eq!(seen(Direction::Backward), expected);
    transaction.delete_range(KeyRange::prefix(b"c".to_vec())).expect("a range is taken");
    assert_eq!(transaction.get(b"c").expect("readable"), None);
    transaction.put(b"c", b"3").expect("a put is taken");
    assert_eq!(transaction.get(b"c").expect("readable").as_deref(), Some(&b"3"[..]));
    commit(transaction);
    let view = store.snapshot().expect("a snapshot is given");
    assert_eq!(view.get(b"c").expect("readable").as_deref(), Some(&b"3"[..]));
}

fn dropped_transactions_leave_nothing(store: &dyn OrderedStore) {
    let mut transaction = begin(store);
    transaction.put(b"a", b"1").expect("a put is taken");
    drop(transaction);
    assert_eq!(store.snapshot().expect("a snapshot is given").get(b"a").expect("readable"), None);
}

fn a_changed_read_is_a_conflict(store: &dyn OrderedStore) {
    put_all(store, &[(b"a", b"1"), (b"b", b"1")]);
    for absent_or_present in [&b"a"[..], b"absent"] {
        let mut transaction = begin(store);
        transaction.get(absent_or_present).expect("readable");
        transaction.put(b"written", b"by the loser").expect("a put is taken");
        put_all(store, &[(absent_or_present, b"other")]);
        let refused = transaction.commit(CommitOptions::default());
        assert_eq!(refused, Err(StoreError::Conflict), "the key that was read has changed");
    }
    let view = store.snapshot().expect("a snapshot is given");
    assert_eq!(view.get(b"written").expect("readable"), None, "a refused commit writes nothing");
}

fn an_entry_new_to_a_scanned_range_is_a_conflict(store: &dyn OrderedStore) {
    put_all(store, &[(b"a", b"1"), (b"p1", b"1"), (b"p9", b"1")]);
    for direction in [Direction::Forward, Direction::Backward] {
        let mut transaction = begin(store);
        let range = KeyRange::prefix(b"p".to_vec());
        collect(transaction.scan(range, direction).expect("a scan begins"));
        transaction.put(b"z", b"1").expect("a put is taken");
        let newcomer = if direction == Direction::Forward { b"p5" } else { b"p6" };
        put_all(store, &[(newcomer, b"1")]);
        let refused = transaction.commit(CommitOptions::default());
        assert_eq!(refused, Err(StoreError::Conflict), "a phantom appeared in the range that was walked");
    }
}

fn unrelated_and_blind_writes_do_not_conflict(store: &dyn OrderedStore) {
    put_all(store, &[(b"a", b"1"), (b"b", b"1")]);
    let mut transaction = begin(store);
    transaction.get(b"a").expect("readable");
    collect(transaction.scan(KeyRange::prefix(b"p".to_vec()), Direction::Forward).expect("a scan begins"));
    transaction.put(b"c", b"2").expect("a put is taken");
    put_all(store, &[(b"b", b"3"), (b"c", b"3"), (b"q", b"3")]);
    commit(transaction);
    let view = store.snapshot().expect("a snapshot is given");
    assert_eq!(view.get(b"c").expect("readable").as_deref(), Some(&b"2"[..]), "the later commit wins");
}

fn deleted_ranges_are_gone_at_commit(store: &dyn OrderedStore) {
    put_all(store, &[(b"p1", b"1"), (b"p2", b"1"), (b"q", b"1")]);
    let mut transaction = begin(store);
    transaction.delete_range(KeyRange::prefix(b"p".to_vec())).expect("a range is taken");
    transaction.put(b"p3", b"kept").expect("a put is taken");
    put_all(store, &[(b"p5", b"came after the transaction began")]);
    commit(transaction);
    let view = store.snapshot().expect("a snapshot is given");
    let left = keys(view.scan(KeyRange::all(), Direction::Forward).expect("a scan begins"));
    assert_eq!(left, [b"p3".to_vec(), b"q".to_vec()]);
}

fn tokens_grow(store: &dyn OrderedStore) {
    let first = put_all(store, &[(b"a", b"1")]);
    let second = put_all(store, &[(b"a", b"1")]);
    assert!(second > first, "a later commit has a larger token");
    store.sync().expect("the store syncs");
}

/// Random transactions against a map; the generator is seeded, so a failure repeats.
fn agrees_with_a_map(store: &dyn OrderedStore) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut model = BTreeMap::new();
    for _ in 0..200 {
        let mut transaction = begin(store);
        let mut changed = model.clone();
        for _ in 0..random.below(6) {
            let key = random.key();
            match random.below(8) {
                0..=4 => {
                    let value = vec![random.below(256) as u8; random.below(40)];
                    transaction.put(&key, &value).expect("a put is taken");
                    changed.insert(key, value);
                }
                5 | 6 => {
                    transaction.delete(&key).expect("a delete is taken");
                    changed.remove(&key);
                }
                _ => {
                    let range = KeyRange::between(key, random.key());
                    changed.retain(|key, _| !range.contains(key));
                    transaction.delete_range(range).expect("a range is taken");
                }
            }
            let own = transaction.scan(KeyRange::all(), Direction::Forward).expect("a scan begins");
            let expected: Vec<Entry> = changed.clone().into_iter().collect();
            assert_eq!(collect(own), expected, "a transaction sees its own writes");
        }
        if random.below(4) > 0 {
            commit(transaction);
            model = changed;
        }
        let view = store.snapshot().expect("a snapshot is given");
        let range = KeyRange::between(random.key(), random.key());
        let mut expected: Vec<Entry> = model
            .iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let forward = view.scan(range.clone(), Direction::Forward).expect("a scan begins");
        assert_eq!(collect(forward), expected);
        expected.reverse();
        assert_eq!(collect(view.scan(range, Direction::Backward).expect("a scan begins")), expected);
    }
}

/// A small generator (xorshift64*), good enough to pick keys.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn key(&mut self) -> Vec<u8> {
        let length = 1 + self.below(2);
        (0..length).map(|_| self.below(6) as u8 * 51).collect()
    }
}
