//! Layers written, read back, merged and damaged, against plain maps.

use std::collections::{BTreeMap, BTreeSet};

use stroma_strata::storage::{MemoryStorage, Storage};

use super::merge::Merge;
use super::{ColourSet, Layer, LayerError, write_sample};
use crate::kmer::{Geometry, KmerAt, Kmers};

const NAME: &str = "layers/00000000000000000001";

/// k-mer to samples: the model of a layer.
type Model = BTreeMap<KmerAt, BTreeSet<u32>>;

fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

fn genome(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..length).map(|_| b"ACGT"[noise(&mut state) as usize % 4]).collect()
}

/// Relatives of one genome, each with some bases changed.
fn relatives(count: u32, length: usize, geometry: Geometry) -> Vec<(u32, BTreeSet<KmerAt>)> {
    let mut state = 11;
    let ancestor = genome(length, 3);
    (0..count)
        .map(|sample| {
            let mut genome = ancestor.clone();
            for _ in 0..length / 100 {
                let at = noise(&mut state) as usize % length;
                genome[at] = b"ACGT"[noise(&mut state) as usize % 4];
            }
            (sample * 3 + 1, Kmers::new(&genome, geometry).collect())
        })
        .collect()
}

fn open(bytes: &[u8], mapped: bool) -> Result<Layer, LayerError> {
    let storage = MemoryStorage::new();
    storage.set_mapped(mapped);
    storage.put_if_absent(NAME, bytes)?;
    Layer::open(storage.open(NAME)?)
}

fn sample_layer(geometry: Geometry, sample: u32, kmers: &BTreeSet<KmerAt>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let partitions = (0..geometry.partitions()).map(|partition| {
        kmers.iter().filter(|at| at.partition == partition).map(|at| at.kmer).collect::<Vec<u64>>()
    });
    write_sample(&mut bytes, geometry, sample, partitions).expect("memory");
    bytes
}

/// Everything a layer answers, by look-ups and by position.
fn content(layer: &Layer) -> Result<Model, LayerError> {
    let mut model = Model::new();
    let mut set = ColourSet::empty(0);
    for partition in 0..layer.geometry().partitions() {
        let view = layer.partition(partition)?;
        let mut onward = 0;
        for (kmer, set_id) in (0..view.len()).map(|position| view.at(position)) {
            assert_eq!(view.set_id(kmer), Some(set_id));
            if kmer % 3 == 0 {
                assert_eq!(view.set_id_onward(&mut onward, kmer), Some(set_id));
            }
            layer.decode_set(set_id, &mut set)?;
            let samples = set.iter().map(|colour| layer.samples()[colour as usize]).collect();
            model.insert(KmerAt { partition, kmer }, samples);
        }
    }
    Ok(model)
}

fn merged(layers: &[Layer], removed: &BTreeSet<u32>) -> Vec<u8> {
    let references: Vec<&Layer> = layers.iter().collect();
    let merge = Merge::plan(&references, removed).expect("fits").expect("some layers");
    let mut bytes = Vec::new();
    let (mut read, mut sections) = (0, 0);
    let totals = merge.write(&mut bytes, |bytes| read += bytes).expect("memory");
    layers.iter().for_each(|layer| sections += layer.bytes());
    assert!(read > 0 && read < sections);
    assert_eq!(totals.kmers, open(&bytes, true).expect("just written").kmers());
    bytes
}

fn model_of(samples: &[(u32, BTreeSet<KmerAt>)], removed: &BTreeSet<u32>) -> Model {
    let mut model = Model::new();
    for (sample, kmers) in samples.iter().filter(|(sample, _)| !removed.contains(sample)) {
        kmers.iter().for_each(|&at| {
            model.entry(at).or_default().insert(*sample);
        });
    }
    model
}

#[test]
fn merges_answer_as_the_model_mapped_or_not() {
    for (k, bits) in [(3, 0), (5, 2), (21, 4), (31, 0)] {
        let geometry = Geometry::new(k, bits).expect("valid");
        let samples = relatives(9, 900, geometry);
        let layers: Vec<Layer> = samples
            .iter()
            .map(|(sample, kmers)| open(&sample_layer(geometry, *sample, kmers), true).expect("just written"))
            .collect();
        // In two steps: three layers of three samples, then one of all.
        let none = BTreeSet::new();
        let thirds: Vec<Layer> =
            layers.chunks(3).map(|third| open(&merged(third, &none), false).expect("just written")).collect();
        let removed: BTreeSet<u32> = [1, 10].into();
        for (removed, mapped) in [(&none, true), (&removed, false)] {
            let whole = open(&merged(&thirds, removed), mapped).expect("just written");
            assert_eq!(content(&whole).expect("sound"), model_of(&samples, removed), "k {k}");
            whole.verify().expect("sound");
            let at_once = open(&merged(&layers, removed), mapped).expect("just written");
            assert_eq!(content(&at_once).expect("sound"), model_of(&samples, removed), "k {k}");
        }
    }
}

#[test]
fn a_merge_of_only_removed_samples_is_empty() {
    let geometry = Geometry::new(5, 1).expect("valid");
    let (sample, kmers) = relatives(1, 100, geometry).remove(0);
    let layer = open(&sample_layer(geometry, sample, &kmers), true).expect("just written");
    let merge = Merge::plan(&[&layer], &[sample].into()).expect("fits").expect("one layer");
    assert!(merge.is_empty());
    assert!(Merge::plan(&[], &BTreeSet::new()).expect("fits").is_none());
}

#[test]
fn absent_kmers_are_absent() {
    let geometry = Geometry::new(11, 3).expect("valid");
    let samples = relatives(2, 500, geometry);
    let layer = open(&sample_layer(geometry, 1, &samples[0].1), true).expect("just written");
    let absent: BTreeSet<KmerAt> =
        Kmers::new(&genome(5000, 99), geometry).filter(|at| !samples[0].1.contains(at)).collect();
    let mut onward = vec![0; geometry.partitions() as usize];
    for at in absent {
        let view = layer.partition(at.partition).expect("sound");
        assert_eq!(view.set_id(at.kmer), None);
        assert_eq!(view.set_id_onward(&mut onward[at.partition as usize], at.kmer), None);
    }
}

/// A small merged layer and what it answers.
fn victim() -> (Vec<u8>, Model) {
    let geometry = Geometry::new(9, 1).expect("valid");
    let samples = relatives(3, 120, geometry);
    let layers: Vec<Layer> = samples
        .iter()
        .map(|(sample, kmers)| open(&sample_layer(geometry, *sample, kmers), true).expect("just written"))
        .collect();
    (merged(&layers, &BTreeSet::new()), model_of(&samples, &BTreeSet::new()))
}

#[test]
fn every_flipped_byte_is_found_and_never_answers_wrongly() {
    let (bytes, model) = victim();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Ok(layer) = open(&damaged, at % 2 == 0) else { continue };
            if let Ok(answers) = content(&layer) {
                assert_eq!(answers, model, "byte {at}");
            }
            assert!(layer.verify().is_err(), "byte {at}");
        }
    }
}

#[test]
fn every_truncation_is_found() {
    let (bytes, _) = victim();
    for length in 0..bytes.len() {
        assert!(open(&bytes[..length], true).is_err(), "length {length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(open(&longer, true).is_err());
}

/// Bytes whose checksums are right but whose numbers are not must not bring the reader down.
#[test]
fn forged_footers_are_refused() {
    use zerocopy::{FromBytes, IntoBytes};
    let (bytes, _) = victim();
    let start = bytes.len() - super::format::FOOTER_BYTES;
    let mut state = 1;
    for _ in 0..3000 {
        let mut footer = super::format::Footer::read_from_bytes(&bytes[start..]).expect("whole");
        let at = noise(&mut state) as usize % (super::format::FOOTER_BYTES - 16);
        footer.as_mut_bytes()[at] = noise(&mut state) as u8;
        footer.checksum = footer.expected_checksum().into();
        let forged = [&bytes[..start], footer.as_bytes()].concat();
        if let Ok(layer) = open(&forged, true) {
            let _ = content(&layer);
            let _ = layer.verify();
        }
    }
}

#[test]
fn newer_versions_and_codings_are_told_apart_from_damage() {
    use zerocopy::{FromBytes, IntoBytes};
    let (bytes, _) = victim();
    let mut header = super::format::Header::read_from_prefix(&bytes).expect("whole").0;
    header.version = 2.into();
    let newer = [header.as_bytes(), &bytes[header.as_bytes().len()..]].concat();
    let error = open(&newer, true).expect_err("newer");
    assert!(matches!(error, LayerError::Unsupported { what: "format version", found: 2, .. }), "{error}");
}

#[test]
fn layers_of_different_settings_are_not_merged() {
    let layer = |k| {
        let geometry = Geometry::new(k, 1).expect("valid");
        open(&sample_layer(geometry, 1, &relatives(1, 100, geometry)[0].1), true).expect("just written")
    };
    let (one, other) = (layer(5), layer(7));
    assert!(matches!(Merge::plan(&[&one, &other], &BTreeSet::new()), Err(LayerError::Mismatch { .. })));
}
