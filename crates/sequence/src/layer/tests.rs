//! Layers written, read back, merged and damaged, against plain maps.

use std::collections::{BTreeMap, BTreeSet};

use stroma_strata::storage::{MemoryStorage, Storage};

use super::merge::Merge;
use super::{ColourSet, EncodedKmers, Layer, LayerError, Resources, SamplePartition, SampleWriter};
use crate::abundance::LEVELS;
use crate::kmer::{Geometry, KmerAt, Kmers, Word, mixing};

const NAME: &str = "layers/00000000000000000001";

/// Mixed k-mer to samples, each with the level of its abundance (0 where these are not kept): the model of a layer.
type Model<W> = BTreeMap<KmerAt<W>, BTreeSet<(u32, u32)>>;

/// The mixed k-mers of a sample, with the level of each.
type Sample<W> = (u32, BTreeMap<KmerAt<W>, u32>);

/// Whether the layers of a test keep abundances.
#[derive(Clone, Copy, PartialEq)]
enum Abundances {
    Kept,
    Left,
}

fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

fn genome(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..length).map(|_| b"ACGT"[noise(&mut state) as usize % 4]).collect()
}

fn mixed_kmers<W: Word>(sequence: &[u8], geometry: Geometry) -> impl Iterator<Item = KmerAt<W>> {
    let mixing = mixing::<W>(geometry);
    Kmers::<W>::new(sequence, geometry).map(move |at| KmerAt { kmer: mixing.hash(at.kmer), ..at })
}

/// Relatives of one genome, each with some bases changed.
fn relatives<W: Word>(
    count: u32,
    length: usize,
    geometry: Geometry,
    abundances: Abundances,
) -> Vec<Sample<W>> {
    let mut state = 11;
    let ancestor = genome(length, 3);
    (0..count)
        .map(|sample| {
            let mut genome = ancestor.clone();
            for _ in 0..length / 100 {
                let at = noise(&mut state) as usize % length;
                genome[at] = b"ACGT"[noise(&mut state) as usize % 4];
            }
            let mut level = |_: &KmerAt<W>| {
                if abundances == Abundances::Kept { noise(&mut state) as u32 % 3 * 16 } else { 0 }
            };
            let kmers = mixed_kmers(&genome, geometry).map(|at| (at, level(&at))).collect();
            (sample * 3 + 1, kmers)
        })
        .collect()
}

fn open(bytes: &[u8], mapped: bool) -> Result<Layer, LayerError> {
    let storage = MemoryStorage::new();
    storage.set_mapped(mapped);
    storage.put_if_absent(NAME, bytes)?;
    Layer::open(storage.open(NAME)?)
}

fn sample_layer<W: Word>(geometry: Geometry, (sample, kmers): &Sample<W>, abundances: Abundances) -> Vec<u8> {
    let mut bytes = Vec::new();
    let keeps = abundances == Abundances::Kept;
    let mut writer = SampleWriter::start(&mut bytes, geometry, keeps, *sample).expect("memory");
    for partition in 0..geometry.partitions() {
        let (own, levels): (Vec<W>, Vec<u8>) = kmers
            .iter()
            .filter(|(at, _)| at.partition == partition)
            .map(|(at, &level)| (at.kmer, level as u8))
            .unzip();
        let kmers = EncodedKmers::new(&own, geometry.kmer_bits());
        writer.partition(&SamplePartition { kmers, levels }).expect("memory");
    }
    writer.finish().expect("memory");
    bytes
}

/// Everything a layer answers, by look-ups and in order.
fn content<W: Word>(layer: &Layer) -> Result<Model<W>, LayerError> {
    let mut model = Model::new();
    let mut set = ColourSet::empty(0);
    for partition in 0..layer.geometry().partitions() {
        let view = layer.partition::<W>(partition)?;
        let loaded = layer.load_partition(partition)?;
        assert!(loaded.view::<W>()?.iter().eq(view.iter()));
        for (kmer, set_id) in view.iter() {
            assert_eq!(view.set_id(kmer), Some(set_id));
            layer.decode_set(set_id, &mut set)?;
            let member =
                |colour: u32| (layer.samples()[(colour / layer.levels()) as usize], colour % layer.levels());
            model.insert(KmerAt { partition, kmer }, set.iter().map(member).collect());
        }
    }
    Ok(model)
}

fn merged(layers: &[Layer], removed: &BTreeSet<u32>, threads: usize) -> Vec<u8> {
    let references: Vec<&Layer> = layers.iter().collect();
    let merge = Merge::plan(&references, removed).expect("fits").expect("some layers");
    let mut bytes = Vec::new();
    let (mut read, mut sections) = (0, 0);
    let resources = Resources::new(threads, 1 << 30);
    let totals = merge.write(&mut bytes, &resources, |bytes| read += bytes).expect("memory");
    layers.iter().for_each(|layer| sections += layer.bytes());
    assert!(read > 0 && read < sections);
    assert_eq!(totals.kmers, open(&bytes, true).expect("just written").kmers());
    bytes
}

fn model_of<W: Word>(samples: &[Sample<W>], removed: &BTreeSet<u32>) -> Model<W> {
    let mut model = Model::new();
    for (sample, kmers) in samples.iter().filter(|(sample, _)| !removed.contains(sample)) {
        kmers.iter().for_each(|(&at, &level)| {
            model.entry(at).or_default().insert((*sample, level));
        });
    }
    model
}

fn merges_answer_as_the_model<W: Word>(k: u8, bits: u8, abundances: Abundances) {
    let geometry = Geometry::new(k, bits).expect("valid");
    let samples = relatives::<W>(9, 900, geometry, abundances);
    let layers: Vec<Layer> = samples
        .iter()
        .map(|sample| open(&sample_layer(geometry, sample, abundances), true).expect("just written"))
        .collect();
    assert_eq!(layers[0].levels(), if abundances == Abundances::Kept { LEVELS } else { 1 });
    // In two steps: three layers of three samples, then one of all.
    let none = BTreeSet::new();
    let thirds: Vec<Layer> =
        layers.chunks(3).map(|third| open(&merged(third, &none, 1), false).expect("just written")).collect();
    let removed: BTreeSet<u32> = [1, 10].into();
    for (removed, mapped) in [(&none, true), (&removed, false)] {
        let bytes = merged(&thirds, removed, 1);
        assert_eq!(bytes, merged(&thirds, removed, 3), "threads change nothing");
        let whole = open(&bytes, mapped).expect("just written");
        assert_eq!(content::<W>(&whole).expect("sound"), model_of(&samples, removed), "k {k}");
        whole.verify().expect("sound");
        let at_once = open(&merged(&layers, removed, 2), mapped).expect("just written");
        assert_eq!(content::<W>(&at_once).expect("sound"), model_of(&samples, removed), "k {k}");
    }
}

#[test]
fn merges_answer_as_the_model_mapped_or_not() {
    for (k, bits) in [(3, 0), (5, 2), (21, 4), (31, 0)] {
        merges_answer_as_the_model::<u64>(k, bits, Abundances::Left);
        merges_answer_as_the_model::<u128>(k + 32, bits, Abundances::Left);
    }
    merges_answer_as_the_model::<u64>(11, 2, Abundances::Kept);
    merges_answer_as_the_model::<u128>(63, 1, Abundances::Kept);
}

#[test]
fn a_merge_of_only_removed_samples_is_empty() {
    let geometry = Geometry::new(5, 1).expect("valid");
    let sample = relatives::<u64>(1, 100, geometry, Abundances::Left).remove(0);
    let layer = open(&sample_layer(geometry, &sample, Abundances::Left), true).expect("just written");
    let merge = Merge::plan(&[&layer], &[sample.0].into()).expect("fits").expect("one layer");
    assert!(merge.is_empty());
    assert!(Merge::plan(&[], &BTreeSet::new()).expect("fits").is_none());
}

#[test]
fn a_merge_that_does_not_fit_the_memory_says_what_would() {
    let geometry = Geometry::new(11, 0).expect("valid");
    let sample = relatives::<u64>(1, 1000, geometry, Abundances::Left).remove(0);
    let layer = open(&sample_layer(geometry, &sample, Abundances::Left), true).expect("just written");
    let merge = Merge::plan(&[&layer], &BTreeSet::new()).expect("fits").expect("one layer");
    let write = |memory| merge.write(&mut Vec::new(), &Resources::new(2, memory), |_| {});
    let Err(LayerError::Memory { needed, allowed: 100 }) = write(100) else { panic!("it cannot fit") };
    assert!(write(needed - 2).is_err());
    write(needed).expect("as much as it asked for");
}

fn absent_kmers_are_absent<W: Word>(k: u8) {
    let geometry = Geometry::new(k, 3).expect("valid");
    let sample = relatives::<W>(1, 500, geometry, Abundances::Left).remove(0);
    let layer = open(&sample_layer(geometry, &sample, Abundances::Left), true).expect("just written");
    for at in mixed_kmers::<W>(&genome(5000, 99), geometry).filter(|at| !sample.1.contains_key(at)) {
        assert_eq!(layer.partition::<W>(at.partition).expect("sound").set_id(at.kmer), None);
    }
}

#[test]
fn what_was_not_put_in_is_not_found() {
    absent_kmers_are_absent::<u64>(11);
    absent_kmers_are_absent::<u128>(41);
}

/// A small merged layer and what it answers.
fn victim() -> (Vec<u8>, Model<u64>) {
    let geometry = Geometry::new(9, 1).expect("valid");
    let samples = relatives(3, 120, geometry, Abundances::Left);
    let layers: Vec<Layer> = samples
        .iter()
        .map(|sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written"))
        .collect();
    (merged(&layers, &BTreeSet::new(), 1), model_of(&samples, &BTreeSet::new()))
}

#[test]
fn every_flipped_byte_is_found_and_never_answers_wrongly() {
    let (bytes, model) = victim();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Ok(layer) = open(&damaged, at % 2 == 0) else { continue };
            if let Ok(answers) = content::<u64>(&layer) {
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
            let _ = content::<u64>(&layer);
            let _ = layer.verify();
        }
    }
}

#[test]
fn newer_versions_and_codings_are_told_apart_from_damage() {
    use zerocopy::{FromBytes, IntoBytes};
    let (bytes, _) = victim();
    let mut header = super::format::Header::read_from_prefix(&bytes).expect("whole").0;
    header.version = 3.into();
    let newer = [header.as_bytes(), &bytes[header.as_bytes().len()..]].concat();
    let error = open(&newer, true).expect_err("newer");
    assert!(matches!(error, LayerError::Unsupported { what: "format version", found: 3, .. }), "{error}");
}

#[test]
fn layers_of_different_settings_are_not_merged() {
    let layer = |k| {
        let geometry = Geometry::new(k, 1).expect("valid");
        let sample = &relatives::<u64>(1, 100, geometry, Abundances::Left)[0];
        open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written")
    };
    let (one, other) = (layer(5), layer(7));
    assert!(matches!(Merge::plan(&[&one, &other], &BTreeSet::new()), Err(LayerError::Mismatch { .. })));
}
