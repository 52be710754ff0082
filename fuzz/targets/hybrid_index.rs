//! Bytes as a serialised hybrid index, then look-ups in what it claims to be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_hybrid::IndexRef;

fuzz_target!(|bytes: &[u8]| {
    let keys: Vec<u64> = (0..1000).map(|key| key * 3).collect();
    if let Ok(index) = IndexRef::<u64>::open(bytes, keys.len()) {
        let searched = [0, 1, 1500, 2997, u64::MAX];
        let mut together = [0; 5];
        index.lower_bound_batch(keys.as_slice(), &searched, &mut together);
        for (key, together) in searched.into_iter().zip(together) {
            let position = keys.partition_point(|candidate| *candidate < key);
            assert_eq!(index.lower_bound(keys.as_slice(), key), position);
            assert_eq!(together, position);
        }
    }
});
