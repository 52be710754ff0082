//! Values that are held for long while everything around them is overwritten again and again.

use stroma_logmem::{Pool, PoolOptions, Store, StoreOptions, ValueGuard};

fn store(capacity_bytes: usize, held_values: usize) -> (Pool, Store) {
    let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes: 2048 }).expect("valid");
    let options = StoreOptions { held_values, ..StoreOptions::new(pool.clone(), 1) };
    (pool, Store::new(options).expect("fits"))
}

/// Overwrites a few keys so often that all memory is used several times over.
fn churn(store: &Store, fill: u8) {
    for i in 0..10_000_u32 {
        store.put(&(i % 10).to_le_bytes(), &[fill; 100]).expect("all but a few kilobytes is dead");
    }
}

/// Waits until no more than so many bytes await readers: the threads of other tests may be pinned for a moment.
fn wait_for_readers(store: &Store, most_bytes: usize) {
    let is_done = |_| {
        store.clean();
        std::thread::yield_now();
        store.statistics().awaiting_readers_bytes <= most_bytes
    };
    assert!((0..100_000).any(is_done), "{:?}", store.statistics());
}

#[test]
fn a_held_value_holds_up_its_segment_and_nothing_else() {
    let (pool, store) = store(64 << 10, 4);
    store.put(b"held", b"value").expect("fits");
    let guard = store.get(b"held").expect("present");
    churn(&store, 1);
    assert_eq!(&*guard, b"value");
    store.remove(b"held");
    churn(&store, 2);
    assert_eq!(&*guard, b"value", "removed, but held");
    assert!(store.get(b"held").is_none());
    drop(guard);
    churn(&store, 3);
    assert_eq!(store.len(), 10);
    assert!(pool.statistics().used_bytes <= pool.capacity_bytes());
}

#[test]
fn beyond_the_cap_values_are_copied_and_the_store_goes_on() {
    let (_, store) = store(64 << 10, 3);
    let keys = 0..100_u32;
    // Spread over many segments, more than the store could do without.
    let guards: Vec<ValueGuard<'_>> = keys
        .clone()
        .map(|key| {
            store.put(&key.to_le_bytes(), &[key as u8; 300]).expect("fits");
            store.get(&key.to_le_bytes()).expect("present")
        })
        .collect();
    keys.clone().for_each(|key| assert!(store.remove(&key.to_le_bytes()).is_some()));
    churn(&store, 7);
    for (guard, key) in guards.iter().zip(keys) {
        assert_eq!(**guard, [key as u8; 300]);
    }
    wait_for_readers(&store, 3 * 2048);
    drop(guards);
    churn(&store, 8);
    wait_for_readers(&store, 0);
}

#[test]
fn a_value_may_be_held_by_another_thread() {
    fn sendable<T: Send + Sync>(_: &T) {}
    let (_, store) = store(64 << 10, 1);
    store.put(b"key", b"value").expect("fits");
    sendable(&store.get(b"key"));
}
