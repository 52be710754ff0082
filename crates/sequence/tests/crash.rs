//! Whatever fails and whenever: what was acknowledged is there, what was not is there wholly or not at all, and
//! no answer is ever wrong.

mod common;
#[path = "shared/filters.rs"]
mod filters;

use std::sync::Arc;

use common::*;
use stroma_sequence::{ColdLayers, IndexOptions, Query, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{MemoryStorage, Storage};

const K: usize = 9;

fn options() -> IndexOptions {
    IndexOptions { k: K as u8, partitions: 2, ..IndexOptions::default() }
}

struct Work {
    genomes: Vec<Vec<u8>>,
    queries: Vec<Query>,
}

fn work() -> Work {
    work_of(9, 150)
}

fn work_of(genomes: usize, length: usize) -> Work {
    let mut random = Random::new(8);
    let ancestor = random_genome(&mut random, length);
    let genomes: Vec<Vec<u8>> = (0..genomes).map(|_| mutated(&mut random, &ancestor, 30)).collect();
    let queries = genomes.iter().map(|genome| Query::new("q", &genome[20..120])).collect();
    Work { genomes, queries }
}

/// Adds the genomes until something fails; one sample is removed on the way. Returns what was acknowledged, and
/// what was being done when it failed.
fn run(index: &SequenceIndex, work: &Work, oracle: &mut Oracle) -> Option<(String, bool)> {
    for (number, genome) in work.genomes.iter().enumerate() {
        let name = format!("s{number}");
        let sequences = std::slice::from_ref(genome);
        let before = index.samples().len();
        if add(index, &name, sequences).is_err() && index.samples().len() == before {
            return Some((name, true));
        }
        oracle.add(&name, sequences);
        if number == 5 {
            if index.remove_sample("s1").is_err() {
                return Some(("s1".to_owned(), false));
            }
            oracle.samples.remove("s1");
        }
    }
    None
}

/// A new index in the storage, which makes such layers cold.
fn create_with(storage: &Arc<MemoryStorage>, cold_layers: ColdLayers) -> SequenceIndex {
    let index = create(storage, options());
    index.set_cold_layers(cold_layers);
    index
}

#[test]
fn a_failure_at_any_operation_loses_nothing_and_invents_nothing() {
    fail_at_any_operation(ColdLayers::Never);
}

#[test]
fn so_it_is_with_cold_layers() {
    fail_at_any_operation(ColdLayers::Always);
}

fn fail_at_any_operation(cold_layers: ColdLayers) {
    let work = work();
    let operations = {
        let storage = Arc::new(MemoryStorage::new());
        let index = create_with(&storage, cold_layers);
        let before = storage.operations();
        let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
        assert!(run(&index, &work, &mut oracle).is_none());
        storage.operations() - before
    };
    assert!(operations > 50);
    for fail_at in (0..operations).step_by(3) {
        let storage = Arc::new(MemoryStorage::new());
        let index = create_with(&storage, cold_layers);
        storage.fail_after(fail_at, fail_at);
        let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
        let failed = run(&index, &work, &mut oracle);
        drop(index);
        let image = Arc::new(storage.crash(fail_at));
        let index = reopen(&image);
        // What failed may have been done all the same; then it must have been done wholly.
        if let Some((name, adding)) = failed {
            let number: usize = name[1..].parse().expect("a number");
            match (adding, index.sample(&name).is_some()) {
                (true, true) => oracle.add(&name, std::slice::from_ref(&work.genomes[number])),
                (false, false) => drop(oracle.samples.remove(&name)),
                _ => {}
            }
        }
        assert_eq!(index.samples().len(), oracle.samples.len(), "failure at {fail_at}");
        assert_agrees(&index, &oracle, &work.queries);
        assert!(index.check().is_sound(), "failure at {fail_at}: {:?}", index.check());
        // And the index works on.
        add(&index, "later", &work.genomes[..1]).expect("the storage is sound again");
        oracle.add("later", &work.genomes[..1]);
        assert_agrees(&index, &oracle, &work.queries);
    }
}

#[test]
fn a_full_disk_stops_additions_only() {
    let work = work();
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
    for (number, genome) in work.genomes.iter().take(3).enumerate() {
        add(&index, &format!("s{number}"), std::slice::from_ref(genome)).expect("room");
        oracle.add(&format!("s{number}"), std::slice::from_ref(genome));
    }
    storage.set_capacity(Some(storage.used_bytes() + 100));
    let error = add(&index, "too much", &work.genomes[3..4]).expect_err("no room");
    assert!(error.to_string().contains("no space is left"), "{error}");
    assert_agrees(&index, &oracle, &work.queries);
    storage.set_capacity(None);
    add(&index, "too much", &work.genomes[3..4]).expect("room again");
    oracle.add("too much", &work.genomes[3..4]);
    assert_agrees(&index, &oracle, &work.queries);
}

#[test]
fn a_flipped_bit_in_a_layer_is_an_error_or_harmless() {
    flip_bits(&work(), 29, ColdLayers::Never);
}

#[test]
fn a_flipped_bit_in_a_cold_layer_is_an_error_or_harmless() {
    flip_bits(&work(), 29, ColdLayers::Always);
}

#[test]
fn a_flipped_bit_in_a_filter_is_an_error_or_harmless() {
    let storage = flip_bits(&work_of(2, 24_000), 487, ColdLayers::Never);
    filters::assert_are_filters(&storage);
}

fn flip_bits(work: &Work, step: usize, cold_layers: ColdLayers) -> Arc<MemoryStorage> {
    let storage = Arc::new(MemoryStorage::new());
    let index = create_with(&storage, cold_layers);
    let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
    assert!(run(&index, work, &mut oracle).is_none());
    index.close().expect("room");
    let layers = storage.list("layers").expect("listed");
    let mut errors = 0;
    for layer in &layers {
        for byte in (0..layer.bytes).step_by(step) {
            let image = Arc::new(storage.kill());
            assert!(image.flip_bit(&layer.name, byte * 8 + byte % 8));
            let Ok(index) = SequenceIndex::open(image, SetOptions::default()) else {
                errors += 1;
                continue;
            };
            assert!(!index.check().is_sound(), "{} byte {byte}", layer.name);
            match search(&index, &work.queries, 30) {
                Err(_) => errors += 1,
                Ok(results) => {
                    let expected: Vec<_> =
                        work.queries.iter().map(|query| oracle.answer(query, 30)).collect();
                    assert_eq!(results, expected, "{} byte {byte}", layer.name);
                }
            }
        }
    }
    assert!(errors > 0);
    storage
}
