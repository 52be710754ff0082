//! Bytes as a serialised counting quotient filter, then every call that reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_quotient::{CountingFilter, Key, QuotientFilter, WideCountingFilter};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(filter) = CountingFilter::open(bytes.to_vec()) {
        try_everything(filter, 7);
    }
    if let Ok(filter) = WideCountingFilter::open(bytes.to_vec()) {
        try_everything(filter, 7);
    }
});

fn try_everything<K: Key>(mut filter: QuotientFilter<K>, probe: K) {
    let entries: Vec<_> = filter.iter().take(1000).collect();
    for entry in &entries {
        assert!(filter.get(entry.key) == entry.counted());
    }
    assert_eq!(filter.iter_parts(3).into_iter().flatten().count() as u64, filter.distinct());
    let _ = filter.get(probe);
    let _ = filter.insert(probe);
    for entry in &entries {
        filter.set(entry.key, 0).expect("removal always succeeds");
    }
}
