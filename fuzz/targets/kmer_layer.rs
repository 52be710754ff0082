//! Bytes in place of a layer of a sequence index, then a search and a check; or as changes to partitions of a
//! whole layer under right checksums, then all that reads them.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use stroma_sequence::layer::Layer;
use stroma_sequence::{IndexOptions, Input, NoProgress, Query, SearchOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{MemoryStorage, Storage};

#[path = "../../crates/sequence/tests/shared/forge.rs"]
mod forge;

const SAMPLE: &str = ">a\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGCTTGCATGCAAT\n";

/// From so many k-mers on a partition is a filter.
const LEAST_FILTERED: usize = 1 << 13;
const PARTITIONS: usize = 2;

/// A layer whose partitions are filters.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let mut state = 1_u64;
        let base = |_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            b"ACGT"[(state >> 33) as usize % 4]
        };
        let record = [b">a\n".to_vec(), (0..PARTITIONS * 2 * LEAST_FILTERED).map(base).collect()].concat();
        let storage = Arc::new(MemoryStorage::new());
        let options = IndexOptions { k: 15, partitions: PARTITIONS as u32, ..IndexOptions::default() };
        let index = SequenceIndex::create(storage.clone(), options, SetOptions::default()).expect("empty");
        index.add_sample("a", vec![Input::bytes("a.fa", record)], &NoProgress).expect("sound");
        let entry = storage.list("layers").expect("memory").remove(0);
        let blob = storage.open(&entry.name).expect("memory");
        let mut bytes = vec![0; blob.len() as usize];
        blob.read_exact_at(0, &mut bytes).expect("memory");
        let sections = forge::kmer_sections(&bytes).expect("whole");
        assert_eq!(sections.len(), PARTITIONS);
        assert!(sections.into_iter().all(|section| forge::is_filter(&bytes[section])));
        bytes
    })
}

/// Four bytes say where, one how.
fn change(changes: &[u8]) {
    let mut forged = whole().to_vec();
    let length = forged.len();
    for change in changes.chunks_exact(5) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], change[3]]) as usize % length;
        forged[at] ^= change[4];
    }
    if forge::reseal(&mut forged).is_none() {
        return;
    }
    let storage = MemoryStorage::new();
    storage.put_if_absent("layer", &forged).expect("memory");
    let Ok(layer) = Layer::open(storage.open("layer").expect("memory")) else { return };
    let _ = layer.verify();
    for partition in 0..layer.geometry().partitions().min(4) {
        if layer.geometry().is_wide() {
            continue;
        }
        let Ok(view) = layer.partition::<u64>(partition) else { continue };
        let kmers: Vec<u64> = view.iter().take(20_000).map(|(kmer, _)| kmer).collect();
        let mut sets = Vec::new();
        view.set_ids(&kmers, &mut sets);
        assert!(kmers.iter().zip(&sets).all(|(&kmer, &set)| view.set_id(kmer) == set));
    }
}

fuzz_target!(|bytes: Vec<u8>| {
    change(&bytes);
    let storage = Arc::new(MemoryStorage::new());
    let options = IndexOptions { k: 11, partitions: 4, ..IndexOptions::default() };
    let Ok(index) = SequenceIndex::create(storage.clone(), options, SetOptions::default()) else { return };
    if index.add_sample("a", vec![Input::bytes("a.fa", SAMPLE)], &NoProgress).is_err() {
        return;
    }
    drop(index);
    for entry in storage.list("layers").into_iter().flatten() {
        storage.replace(&entry.name, bytes.clone());
    }
    if let Ok(index) = SequenceIndex::open(storage, SetOptions::default()) {
        let query = Query::new("q", &SAMPLE.as_bytes()[3..40]);
        if let Ok(results) = index.search([Ok(query)], SearchOptions { threshold: 0.0, ..SearchOptions::default() }) {
            for _ in results {}
        }
        let _ = index.check();
    }
});
