//! Whether the partitions of an index are filters, as tests of these mean them to be.

use stroma_strata::storage::{MemoryStorage, Storage};

#[path = "forge.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod forge;

/// Asserts that there are layers, and that each partition of each of them is a filter.
pub(crate) fn assert_are_filters(storage: &MemoryStorage) {
    let layers = storage.list("layers").expect("memory");
    assert!(!layers.is_empty());
    for layer in layers {
        let blob = storage.open(&layer.name).expect("memory");
        let mut bytes = vec![0; blob.len() as usize];
        blob.read_exact_at(0, &mut bytes).expect("memory");
        let sections = forge::kmer_sections(&bytes).expect("whole");
        assert!(sections.into_iter().all(|section| forge::is_filter(&bytes[section])), "{}", layer.name);
    }
}
