//! Bytes as a serialised counting quotient filter, then every call that reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_quotient::CountingFilter;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(filter) = CountingFilter::open(bytes) {
        let keys: Vec<u64> = filter.iter().take(1000).map(|(key, _)| key).collect();
        for key in keys {
            assert!(filter.count(key) > 0);
        }
        let _ = filter.count(7);
    }
});
