//! Samples come from several threads while workers merge and a reader searches.
#![allow(clippy::disallowed_methods, reason = "real threads are the point of this test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use stroma_sequence::{IndexOptions, Outcome, Query, SearchOptions};
use stroma_strata::runtime::ThreadSpawner;
use stroma_strata::storage::MemoryStorage;

const K: usize = 11;

/// Results travel to other threads, as a server needs it.
fn assert_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn additions_merges_removals_and_searches_at_once() {
    let mut random = Random::new(21);
    let ancestor = random_genome(&mut random, 400);
    let genomes: Vec<Vec<u8>> = (0..24).map(|_| mutated(&mut random, &ancestor, 20)).collect();
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: K as u8, partitions: 4, ..IndexOptions::default() });
    index.start_background(&ThreadSpawner, 2).expect("threads");
    add(&index, "first", std::slice::from_ref(&ancestor)).expect("room");
    let queries = [Query::new("ancestor", &ancestor[..300])];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let adders: Vec<_> = genomes
            .chunks(12)
            .enumerate()
            .map(|(half, genomes)| {
                let index = &index;
                scope.spawn(move || {
                    for (number, genome) in genomes.iter().enumerate() {
                        add(index, &format!("s{half}-{number}"), std::slice::from_ref(genome)).expect("room");
                        if number % 4 == 3 {
                            index.remove_sample(&format!("s{half}-{}", number - 1)).expect("it is there");
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let results = search(&index, &queries, 100).expect("sound");
                let Outcome::Hits(hits) = &results[0].outcome else { panic!("it has k-mers") };
                assert!(hits.iter().any(|hit| &*hit.sample == "first"), "a sample was lost for a while");
            }
        });
        let outcomes: Vec<_> = adders.into_iter().map(|adder| adder.join()).collect();
        done.store(true, Ordering::Relaxed);
        outcomes.into_iter().for_each(|outcome| outcome.expect("no panic"));
    });
    let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
    oracle.add("first", std::slice::from_ref(&ancestor));
    for (at, genome) in genomes.iter().enumerate().filter(|(at, _)| (at % 12) % 4 != 2) {
        oracle.add(&format!("s{}-{}", at / 12, at % 12), std::slice::from_ref(genome));
    }
    assert_agrees(&index, &oracle, &queries);
    let results = index.search(queries.iter().cloned().map(Ok), SearchOptions::default()).expect("valid");
    assert_eq!(assert_send(results).count(), queries.len());
    assert!(index.check().is_sound());
    index.close().expect("room");
    assert_agrees(&reopen(&storage), &oracle, &queries);
}
