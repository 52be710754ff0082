//! A guard that is held while memory runs out. Alone in its file: it holds up every store of the process.

use stroma_logmem::{Error, Pool, PoolOptions, Store, StoreOptions};

#[test]
fn a_held_guard_leads_to_an_error_and_not_to_a_hang() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 2048 }).expect("valid");
    let store = Store::new(StoreOptions::new(pool, 1)).expect("fits");
    store.put(b"held", b"value").expect("fits");
    let guard = store.get(b"held").expect("present");
    // The same few keys again and again: all but a kilobyte is dead, but nothing cleaned can be reused.
    let error = (0..10_000_u32)
        .find_map(|i| store.put(&(i % 10).to_le_bytes(), &[1; 100]).err())
        .expect("memory ends while the guard is held");
    let Error::OutOfMemory { awaiting_readers, .. } = error else { panic!("{error}") };
    assert!(awaiting_readers > 0, "{error}");
    assert_eq!(&*guard, b"value");
    drop(guard);
    for i in 0..10_000_u32 {
        store.put(&(i % 10).to_le_bytes(), &[2; 100]).expect("free again");
    }
    assert_eq!(store.get(b"held").as_deref(), Some(&b"value"[..]));
    assert_eq!(store.len(), 11);
}
