//! Bytes in place of a layer of a sequence index, then a search and a check.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use stroma_sequence::{IndexOptions, Input, NoProgress, Query, SearchOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{MemoryStorage, Storage};

const SAMPLE: &str = ">a\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGCTTGCATGCAAT\n";

fuzz_target!(|bytes: Vec<u8>| {
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
