//! Threads that write one filter at once; run under ThreadSanitizer by `cargo xtask sanitize thread`.

use stroma_quotient::{
    ConcurrentFilter, Counted, CountingFilter, Error, InvertibleHash, Shape, WideInvertibleHash,
};

/// Four threads count the same keys in different orders, with crowds over the borders of regions.
#[test]
fn writers_together_count_like_one() {
    let shape = Shape::new(40, 40_000).expect("possible");
    let mix = InvertibleHash::new(40, 9);
    let unit = (1u64 << 40) / 40_000;
    let keys: Vec<u64> = (0..6000)
        .map(|key| mix.hash(key))
        // Crowds of 350 keys that begin shortly before each border of a region of 4,096 slots.
        .chain((1..5).flat_map(|region| (0..350).map(move |key| (region * 4096 - 30) * unit + key)))
        .collect();
    let filter = ConcurrentFilter::<u64>::new(shape).expect("memory");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (filter, keys) = (&filter, &keys);
            scope.spawn(move || {
                for step in 0..keys.len() {
                    let key = keys[(step * 7919 + thread * 5000) % keys.len()];
                    filter.add(key, 2).expect("room");
                    if step % 3 == 0 {
                        filter.remove(key, 1).expect("narrow");
                    }
                    assert!(filter.get(key).count > 0);
                }
            });
        }
    });
    let mut alone = CountingFilter::new(shape).expect("memory");
    for thread in 0..4 {
        for step in 0..keys.len() {
            let removed = u64::from(step % 3 == 0);
            alone.add(keys[(step * 7919 + thread * 5000) % keys.len()], 2 - removed).expect("room");
        }
    }
    let frozen = filter.freeze().expect("small counts");
    assert!(frozen == alone);
    // Frozen, it is read by many without locks.
    std::thread::scope(|scope| {
        for part in frozen.iter_parts(4) {
            let alone = &alone;
            scope.spawn(move || part.for_each(|entry| assert_eq!(alone.count(entry.key), entry.count)));
        }
    });
}

#[test]
fn wide_keys_with_values_and_a_full_filter() {
    let shape = Shape::new(100, 5000).expect("possible").with_value_bits(12);
    let mix = WideInvertibleHash::new(100, 9);
    let filter = ConcurrentFilter::<u128>::new(shape).expect("memory");
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (filter, mix) = (&filter, &mix);
            scope.spawn(move || {
                for key in 0..1500 {
                    let change =
                        |old: Counted| Counted { count: old.count + 1, value: old.value | 1 << thread };
                    filter.update(mix.hash(key), change).expect("room");
                }
            });
        }
    });
    let refused = (2000..).find_map(|key| filter.insert(mix.hash(key)).err());
    assert!(matches!(refused, Some(Error::Full { .. })));
    let frozen = filter.freeze().expect("small counts");
    assert!(frozen.load() > 0.97, "{}", frozen.load());
    assert!((0..1500).all(|key| frozen.get(mix.hash(key)) == Counted { count: 3, value: 7 }));
    assert!(stroma_quotient::WideCountingFilter::open(frozen.to_bytes()).expect("sound") == frozen);
}
