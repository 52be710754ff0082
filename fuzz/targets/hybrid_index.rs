//! Bytes as a serialised hybrid index, then look-ups in what it claims to be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_hybrid::IndexRef;

fuzz_target!(|bytes: &[u8]| {
    let keys: Vec<u64> = (0..1000).map(|key| key * 3).collect();
    if let Ok(index) = IndexRef::<u64>::open(bytes, keys.len()) {
        for key in [0, 1, 1500, 2997, u64::MAX] {
            let position = index.lower_bound(keys.as_slice(), key);
            assert!(position <= keys.len());
        }
    }
});
