//! Partitions whose checksums are right, and whose content is not: refused, or read without harm.

use std::collections::BTreeSet;

use zerocopy::FromBytes;

use super::colours::ColourTableBuilder;
use super::encode::{EncodedBuckets, EncodedForm};
use super::format::{
    DICTIONARY_BUCKETS, DICTIONARY_FILTER, FOOTER_BYTES, Footer, PARTITION_ENTRY_BYTES, PartitionEntry,
};
use super::merge::{CHUNK_SAMPLES, Merge};
use super::packed::{PackedBuffer, width_for};
use super::tests::{genome, open, victims};
use super::writer::LayerBuilder;
use super::{EncodedKmers, Layer, LayerError, Resources};
use crate::kmer::{Geometry, Kmers, mixing};
use crate::noise::noise;

#[path = "../../tests/shared/forge.rs"]
mod forge;

fn entries(bytes: &[u8]) -> Vec<PartitionEntry> {
    let footer = Footer::read_from_bytes(&bytes[bytes.len() - FOOTER_BYTES..]).expect("whole");
    let start = footer.directory.offset.get() as usize;
    let directory = &bytes[start..start + footer.directory.bytes.get() as usize];
    let entry = |bytes| PartitionEntry::read_from_bytes(bytes).expect("whole");
    directory.chunks_exact(PARTITION_ENTRY_BYTES).map(entry).collect()
}

/// Reads a layer in all the ways there are.
fn read(layer: &Layer, geometry: Geometry) -> Result<(), LayerError> {
    let mixing = mixing::<u64>(geometry);
    let sequence = genome(300, 5);
    for partition in 0..geometry.partitions() {
        let view = layer.partition::<u64>(partition)?;
        let walked: Vec<u64> = view.iter().take(100_000).map(|(kmer, _)| kmer).collect();
        assert!(walked.len() <= view.len());
        let own = Kmers::<u64>::new(&sequence, geometry).filter(|at| at.partition == partition);
        let kmers: Vec<u64> = own.map(|at| mixing.hash(at.kmer)).chain(walked).collect();
        let mut sets = Vec::new();
        view.set_ids(&kmers, &mut sets);
        assert!(kmers.iter().zip(&sets).all(|(&kmer, &set)| view.set_id(kmer) == set));
    }
    Ok(())
}

#[test]
fn forged_partitions_are_refused_or_read_without_harm() {
    let ([bytes, _], _) = victims();
    assert!(entries(&bytes).iter().all(|entry| entry.dictionary_coding == DICTIONARY_FILTER));
    let sound = open(&bytes, true).expect("sound");
    let geometry = sound.geometry();
    let sections = forge::kmer_sections(&bytes).expect("whole");
    let directory = bytes.len() - FOOTER_BYTES + 24;
    let directory = u64::from_le_bytes(*bytes[directory..].first_chunk().expect("whole")) as usize;
    let (mut state, mut refused, mut opened) = (5, 0, 0);
    for round in 0..4000 {
        let mut forged = bytes.clone();
        let range = match round % 4 {
            // The directory, and everything before it.
            0 => directory..directory + sections.len() * PARTITION_ENTRY_BYTES,
            1 => forge::HEADER..directory,
            _ => sections[round % 8 / 4].clone(),
        };
        for _ in 0..1 + round % 9 {
            forged[range.start + noise(&mut state) as usize % range.len()] = noise(&mut state) as u8;
        }
        if forge::reseal(&mut forged).is_none() {
            continue;
        }
        let Ok(layer) = open(&forged, round % 3 == 0) else {
            refused += 1;
            continue;
        };
        opened += 1;
        let _ = read(&layer, geometry);
        if layer.verify().is_ok() {
            read(&layer, geometry).expect("verified");
        }
        let Ok(Some(merge)) = Merge::plan(&[&layer, &sound], &BTreeSet::new(), CHUNK_SAMPLES) else {
            continue;
        };
        for is_cold in [false, true] {
            let _ = merge.write(&mut Vec::new(), &Resources::new(1, 1 << 20), is_cold, |_| {});
        }
    }
    assert!(refused > 30 && opened > 1000, "{refused} refused, {opened} opened");
}

#[test]
fn a_coding_that_is_none_is_refused() {
    let ([bytes, _], _) = victims();
    let end = bytes.len() - FOOTER_BYTES;
    let footer = Footer::read_from_bytes(&bytes[end..]).expect("whole");
    let coding = footer.directory.offset.get() as usize + 80;
    for (other, what) in [(DICTIONARY_BUCKETS, "colour coding"), (5, "k-mer dictionary coding")] {
        let mut changed = bytes.clone();
        changed[coding] = other;
        forge::reseal(&mut changed).expect("whole");
        let error = open(&changed, true).expect_err("not what it was");
        assert!(matches!(error, LayerError::Unsupported { what: found, .. } if found == what), "{error}");
    }
}

/// A layer of one partition that says it has so many k-mers, all in one set.
fn layer_of_count(geometry: Geometry, starts: PackedBuffer, bucket_bits: u32, count: u64) -> Vec<u8> {
    let buckets = EncodedBuckets { starts, lows: PackedBuffer::default(), bucket_bits };
    let kmers = EncodedKmers { form: EncodedForm::Buckets(buckets), count: count as usize };
    let mut bytes = Vec::new();
    let table = ColourTableBuilder::new([], [1]).expect("one colour");
    let mut builder = LayerBuilder::start(&mut bytes, geometry, 1, vec![7], table).expect("memory");
    let leaf = builder.table().leaf(0, &[1]).expect("one colour");
    let id = builder.table().set_id(leaf);
    builder.partition(&kmers, &[0_u8], &[id]).expect("memory");
    builder.finish().expect("memory");
    bytes
}

/// With k = 3 a k-mer has six bits; where all of them tell the bucket, it takes none beside.
#[test]
fn more_kmers_than_there_are_numbers_are_refused() {
    let geometry = Geometry::new(3, 0).expect("valid");
    let written = |count: u64| {
        let starts = (0..65_u32).map(|bucket| count / 64 * u64::from(bucket));
        layer_of_count(geometry, PackedBuffer::from_values(starts, width_for(count)), 6, count)
    };
    let all = open(&written(64), true).expect("as many as there are");
    read(&all, geometry).expect("sound");
    all.verify().expect("sound");
    for count in [128, 1 << 62, u64::MAX - 63] {
        let error = open(&written(count), true).expect_err("too many");
        assert!(matches!(error, LayerError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_merge_of_as_many_kmers_as_a_number_holds_is_refused() {
    for (k, count) in [(31, 1 << 62), (33, u64::MAX)] {
        let geometry = Geometry::new(k, 0).expect("valid");
        let bytes = layer_of_count(geometry, PackedBuffer::default(), 0, count);
        let layers = [true, false].map(|mapped| open(&bytes, mapped).expect("only the directory was read"));
        assert!(layers[0].verify().is_err());
        // The same sample cannot be in two layers of a merge.
        for layer in &layers {
            let merge =
                Merge::plan(&[layer], &BTreeSet::new(), CHUNK_SAMPLES).expect("fits").expect("a layer");
            assert_eq!(merge.kmers(), count);
            for is_cold in [false, true] {
                let written = merge.write(&mut Vec::new(), &Resources::new(1, 1 << 30), is_cold, |_| {});
                assert!(matches!(written, Err(LayerError::Memory { .. })));
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_filter_is_told() {
    let ([bytes, _], _) = victims();
    let section = forge::kmer_sections(&bytes).expect("whole").remove(0);
    let refused = |at: usize, by: u8| {
        let mut forged = bytes.clone();
        forged[at] ^= by;
        forge::reseal(&mut forged).expect("whole");
        let layer = open(&forged, true).expect("filters are looked at later");
        layer.verify().expect_err("forged")
    };
    let newer = refused(section.start + 8, 1);
    let is_told = matches!(newer, LayerError::Unsupported { what: "k-mer filter version", found: 3, .. });
    assert!(is_told, "{newer}");
    // The number of k-mers with repeats, in the footer of the filter.
    let counted = refused(section.end - 32, 1);
    let is_told = matches!(counted, LayerError::Corrupt { what: "a key that is counted more than once", .. });
    assert!(is_told, "{counted}");
}
