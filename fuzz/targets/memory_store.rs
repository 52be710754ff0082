//! Operations on log-structured memory, held against a plain map; and forged locations in an append-only log.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use stroma_logmem::{Location, Log, Pool, PoolOptions, Store, StoreOptions};

fuzz_target!(|input: (u64, Vec<(u8, u8, u8)>)| {
    let (seed, operations) = input;
    let options = PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 1 << 12 };
    let Ok(pool) = Pool::new(options) else { return };
    let Ok(store) = Store::new(StoreOptions::new(pool.clone(), seed)) else { return };
    let log = Log::new(&pool);
    let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for (kind, key, length) in operations {
        let value = vec![key ^ length; usize::from(length) * 8];
        match kind % 4 {
            0 | 1 if store.put(&[key], &value).is_ok() => drop(model.insert(key, value)),
            2 => assert_eq!(store.remove(&[key]).is_some(), model.remove(&key).is_some()),
            3 => drop(store.clean()),
            _ => {}
        }
        assert_eq!(store.get_copied(&[key]).map(|(value, _)| value), model.get(&key).cloned());
    }
    assert_eq!(store.len(), model.len());
    let _ = log.append(&[b"entry"]);
    let _ = log.try_get(Location::from_bits(seed));
});
