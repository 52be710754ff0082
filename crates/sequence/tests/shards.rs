//! Indexes that were built apart and become one: found as if built at once, each shard wholly or not at all.

mod common;

use std::sync::Arc;

use common::*;
use stroma_sequence::{ColdLayers, Error, IndexOptions, NoProgress, Query, SequenceIndex};
use stroma_strata::storage::{MemoryStorage, Storage};

const K: usize = 11;

fn options() -> IndexOptions {
    IndexOptions { k: K as u8, partitions: 4, ..IndexOptions::default() }
}

struct Work {
    shards: Vec<SequenceIndex>,
    oracle: Oracle,
    queries: Vec<Query>,
}

/// Three shards of four relatives; of each shard one was removed, and its k-mers are still in the layers.
fn work() -> Work {
    let mut random = Random::new(14);
    let ancestor = random_genome(&mut random, 300);
    let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
    let (mut shards, mut queries) = (Vec::new(), Vec::new());
    for shard in 0..3 {
        let index = create(&Arc::new(MemoryStorage::new()), options());
        for number in 0..5 {
            let (name, genome) = (format!("s{shard}.{number}"), mutated(&mut random, &ancestor, 30));
            queries.push(Query::new("q", &genome[50..200]));
            add(&index, &name, std::slice::from_ref(&genome)).expect("room");
            oracle.add(&name, &[genome]);
        }
        let removed = format!("s{shard}.{shard}");
        index.remove_sample(&removed).expect("it is there");
        oracle.samples.remove(&removed);
        shards.push(index);
    }
    Work { shards, oracle, queries }
}

#[test]
fn shards_become_one_index() {
    let Work { shards, mut oracle, queries } = work();
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    let own = random_genome(&mut Random::new(5), 200);
    add(&index, "own", std::slice::from_ref(&own)).expect("room");
    oracle.add("own", &[own]);
    for shard in &shards {
        let report = index.add_index(shard, false, &NoProgress).expect("room");
        assert_eq!((report.added, report.skipped), (4, 0));
    }
    assert_agrees(&index, &oracle, &queries);
    index.merge_added().expect("room");
    assert_agrees(&index, &oracle, &queries);
    assert!(index.check().is_sound());
    let layers = index.statistics().layers;
    assert_eq!((layers.len(), layers[0].level, layers[0].samples), (1, 2, 13), "what was removed is gone");

    // Samples go on being added and removed as in any index, and it can be opened again.
    add(&index, "later", &[b"ACGTTGCAAGCTTAGCACGATCAGCATCA".to_vec()]).expect("room");
    index.remove_sample("s2.0").expect("it is there");
    oracle.add("later", &[b"ACGTTGCAAGCTTAGCACGATCAGCATCA".to_vec()]);
    oracle.samples.remove("s2.0");
    drop(index);
    assert_agrees(&reopen(&storage), &oracle, &queries);
}

#[test]
fn cold_layers_are_copied_as_they_are() {
    let Work { shards, oracle, queries } = work();
    for shard in &shards {
        shard.set_cold_layers(ColdLayers::Always);
        shard.compact().expect("room");
        assert!(shard.statistics().layers[0].is_cold);
    }
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    shards.iter().for_each(|shard| drop(index.add_index(shard, false, &NoProgress).expect("room")));
    assert!(index.statistics().layers.iter().all(|layer| layer.is_cold));
    assert_agrees(&index, &oracle, &queries);
    index.merge_added().expect("room");
    drop(index);
    let index = reopen(&storage);
    assert_agrees(&index, &oracle, &queries);
    assert!(index.check().is_sound());
}

#[test]
fn names_that_are_there_are_refused_or_passed_over() {
    let Work { shards, oracle, queries } = work();
    let index = create(&Arc::new(MemoryStorage::new()), options());
    add(&index, "s1.3", &[b"ACGTTGCAAGCTTAGCACGATCAGCATCA".to_vec()]).expect("room");
    let error = index.add_index(&shards[1], false, &NoProgress).expect_err("s1.3 is there");
    assert!(matches!(error, Error::DuplicateSample { ref name } if name == "s1.3"), "{error}");
    assert_eq!(index.samples().len(), 1, "wholly or not at all");
    index.remove_sample("s1.3").expect("it is there");
    for round in 0..2 {
        for (number, shard) in shards.iter().enumerate() {
            let report = index.add_index(shard, true, &NoProgress).expect("room");
            assert_eq!((report.added, report.skipped), if round == 0 { (4, 0) } else { (0, 4) }, "{number}");
        }
    }
    index.merge_added().expect("room");
    assert_agrees(&index, &oracle, &queries);
}

#[test]
fn other_settings_are_refused() {
    let Work { shards, .. } = work();
    for other in [
        IndexOptions { k: 13, ..options() },
        IndexOptions { partitions: 8, ..options() },
        IndexOptions { abundances: true, ..options() },
    ] {
        let index = create(&Arc::new(MemoryStorage::new()), other);
        let error = index.add_index(&shards[0], false, &NoProgress).expect_err("other settings");
        assert!(matches!(error, Error::OtherSettings { .. }), "{error}");
        assert!(error.to_string().contains("k = 11, 4 partitions, without abundances"), "{error}");
    }
}

#[test]
fn a_failure_at_any_operation_leaves_whole_shards_and_can_be_gone_on_from() {
    let Work { shards, oracle, queries } = work();
    let run = |index: &SequenceIndex| {
        shards.iter().try_for_each(|shard| index.add_index(shard, true, &NoProgress).map(drop))?;
        index.merge_added()
    };
    let operations = {
        let storage = Arc::new(MemoryStorage::new());
        let index = create(&storage, options());
        let before = storage.operations();
        run(&index).expect("room");
        storage.operations() - before
    };
    for fail_at in 0..operations {
        let storage = Arc::new(MemoryStorage::new());
        let index = create(&storage, options());
        storage.fail_after(fail_at, fail_at);
        let _ = run(&index);
        drop(index);
        let index = reopen(&Arc::new(storage.crash(fail_at)));
        assert!(index.samples().len().is_multiple_of(4), "failure at {fail_at}");
        run(&index).expect("the storage is sound again");
        assert_agrees(&index, &oracle, &queries);
        assert!(index.check().is_sound(), "failure at {fail_at}");
    }
}

#[test]
fn damage_of_a_shard_does_not_come_along() {
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    let genome = random_genome(&mut Random::new(6), 400);
    add(&index, "a", &[genome]).expect("room");
    index.close().expect("room");
    let layer = storage.list("layers").expect("listed").remove(0);
    let damaged = Arc::new(storage.kill());
    assert!(damaged.flip_bit(&layer.name, 8 * 40));
    let target = create(&Arc::new(MemoryStorage::new()), options());
    let error = target.add_index(&reopen(&damaged), false, &NoProgress).expect_err("damaged");
    assert!(error.to_string().contains("damaged at byte"), "{error}");
    assert!(target.samples().is_empty());
}
