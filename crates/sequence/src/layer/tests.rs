//! Layers written, read back, merged and damaged, against plain maps.

use std::collections::{BTreeMap, BTreeSet};

use stroma_hybrid::pages::{PAGE_BYTES, page_sums};
use stroma_strata::storage::{MemoryStorage, Storage};

use super::merge::{CHUNK_SAMPLES, Merge};
use super::{ColourSet, Layer, LayerError, Resources, SamplePartition, SampleWriter};
use crate::abundance::LEVELS;
use crate::kmer::{Geometry, KmerAt, Kmers, Word, mixing};
use crate::noise::noise;
use crate::unitig::Searcher;

const NAME: &str = "layers/00000000000000000001";

/// Mixed k-mer to samples, each with the level of its abundance (0 where these are not kept): the model of a
/// layer.
pub(super) type Model<W> = BTreeMap<KmerAt<W>, BTreeSet<(u32, u32)>>;

/// The mixed k-mers of a sample, with the level of each.
type Sample<W> = (u32, BTreeMap<KmerAt<W>, u32>);

/// Whether the layers of a test keep abundances.
#[derive(Clone, Copy, PartialEq)]
enum Abundances {
    Kept,
    Left,
}

pub(super) fn genome(length: usize, seed: u64) -> Vec<u8> {
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

pub(super) fn open(bytes: &[u8], mapped: bool) -> Result<Layer, LayerError> {
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
        let levels = if keeps { levels } else { Vec::new() };
        let encoded = SamplePartition::new(&own, levels, geometry.kmer_bits());
        writer.partition(&encoded).expect("memory");
    }
    writer.finish().expect("memory");
    bytes
}

/// Everything a layer answers, by look-ups and in order.
fn content<W: Word>(layer: &Layer) -> Result<Model<W>, LayerError> {
    let mut model = Model::new();
    let mut set = ColourSet::empty(0);
    let members = |set: &ColourSet| -> BTreeSet<(u32, u32)> {
        let member =
            |colour: u32| (layer.samples()[(colour / layer.levels()) as usize], colour % layer.levels());
        set.iter().map(member).collect()
    };
    if let Some(dictionary) = layer.dictionary()? {
        let mixing = mixing::<W>(layer.geometry());
        dictionary.for_each_at::<W, LayerError>(layer.geometry(), |at, set_id| {
            layer.decode_set(set_id, &mut set)?;
            assert_eq!(dictionary.get(at.kmer).map(|found| found.colour), Some(set_id));
            model.insert(KmerAt { kmer: mixing.hash(at.kmer), ..at }, members(&set));
            Ok(())
        })?;
        return Ok(model);
    }
    for partition in 0..layer.geometry().partitions() {
        let view = layer.partition::<W>(partition)?;
        let loaded = layer.load_partition(partition)?;
        assert!(loaded.view::<W>()?.iter().eq(view.iter()));
        for (kmer, set_id) in view.iter() {
            assert_eq!(view.set_id(kmer), Some(set_id));
            layer.decode_set(set_id, &mut set)?;
            model.insert(KmerAt { partition, kmer }, members(&set));
        }
    }
    Ok(model)
}

fn merged(layers: &[Layer], removed: &BTreeSet<u32>, threads: usize) -> Vec<u8> {
    merged_as(layers, removed, &Resources::new(threads, 1 << 30), false)
}

fn merged_cold(layers: &[Layer], removed: &BTreeSet<u32>, threads: usize) -> Vec<u8> {
    merged_as(layers, removed, &Resources::new(threads, 1 << 30), true)
}

fn merged_as(layers: &[Layer], removed: &BTreeSet<u32>, resources: &Resources, is_cold: bool) -> Vec<u8> {
    merged_in_chunks(layers, removed, resources, is_cold, CHUNK_SAMPLES)
}

fn merged_in_chunks(
    layers: &[Layer],
    removed: &BTreeSet<u32>,
    resources: &Resources,
    is_cold: bool,
    chunk_samples: usize,
) -> Vec<u8> {
    let references: Vec<&Layer> = layers.iter().collect();
    let merge = Merge::plan(&references, removed, chunk_samples).expect("fits").expect("some layers");
    let mut bytes = Vec::new();
    let (mut read, mut sections) = (0, 0);
    let totals = merge.write(&mut bytes, resources, is_cold, |bytes| read += bytes).expect("memory");
    layers.iter().for_each(|layer| sections += layer.bytes());
    assert!(read > 0 && read < sections);
    let written = open(&bytes, true).expect("just written");
    assert_eq!((totals.kmers, is_cold), (written.kmers(), written.is_cold()));
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

/// Cold layers of fresh ones, of cold ones, of both, and fresh ones of cold ones, in one pass and in several.
fn cold_merges_answer_as_the_model<W: Word>(k: u8, bits: u8, abundances: Abundances) {
    let geometry = Geometry::new(k, bits).expect("valid");
    let samples = relatives::<W>(6, 700, geometry, abundances);
    let opened = |bytes: &[u8], mapped| open(bytes, mapped).expect("just written");
    let fresh = |sample| opened(&sample_layer(geometry, sample, abundances), true);
    let none = BTreeSet::new();
    let removed: BTreeSet<u32> = [samples[1].0, samples[3].0].into();
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    let cold: Vec<Layer> =
        layers[..4].chunks(2).map(|two| opened(&merged_cold(two, &none, 1), true)).collect();
    assert!(cold.iter().all(Layer::is_cold));
    let sound = |bytes: &[u8], removed: &BTreeSet<u32>| {
        for mapped in [true, false] {
            let layer = opened(bytes, mapped);
            assert_eq!(content::<W>(&layer).expect("sound"), model_of(&samples, removed), "k {k}");
            layer.verify().expect("sound");
        }
    };
    let [one, two]: [Layer; 2] = cold.try_into().expect("two");
    let mixed: Vec<Layer> = [one, two].into_iter().chain(samples[4..].iter().map(fresh)).collect();
    for removed in [&none, &removed] {
        let bytes = merged_cold(&mixed, removed, 1);
        assert_eq!(bytes, merged_cold(&mixed, removed, 3), "threads change nothing");
        sound(&bytes, removed);
        let hot = merged(&mixed, removed, 2);
        sound(&hot, removed);
        assert_eq!(hot, merged(&layers, removed, 1), "what was cold is as if it had never been");
        // With the least memory that does, strings are walked several times.
        let merge = Merge::plan(&mixed.iter().collect::<Vec<_>>(), removed, CHUNK_SAMPLES)
            .expect("fits")
            .expect("layers");
        let write = |memory| merge.write(&mut Vec::new(), &Resources::new(1, memory), false, |_| {});
        let Err(LayerError::Memory { needed, .. }) = write(8) else { panic!("it cannot fit") };
        let least = (0..20).map(|doubled| needed << doubled).find(|&memory| write(memory).is_ok());
        let resources = Resources::new(1, least.expect("enough"));
        assert_eq!(hot, merged_as(&mixed, removed, &resources, false));
    }
}

#[test]
fn cold_layers_answer_and_merge_as_the_model() {
    for (k, bits) in [(3, 0), (5, 2), (21, 4), (31, 1)] {
        cold_merges_answer_as_the_model::<u64>(k, bits, Abundances::Left);
        cold_merges_answer_as_the_model::<u128>(k + 32, bits, Abundances::Left);
    }
    cold_merges_answer_as_the_model::<u64>(11, 2, Abundances::Kept);
    cold_merges_answer_as_the_model::<u128>(63, 1, Abundances::Kept);
}

#[test]
fn a_layer_that_does_not_fit_the_memory_as_strings_stays_in_partitions() {
    let geometry = Geometry::new(11, 4).expect("valid");
    let samples = relatives::<u64>(2, 3000, geometry, Abundances::Left);
    let fresh = |sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written");
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    let hot = merged(&layers, &BTreeSet::new(), 1);
    let merge = Merge::plan(&layers.iter().collect::<Vec<_>>(), &BTreeSet::new(), CHUNK_SAMPLES)
        .expect("fits")
        .expect("layers");
    let (mut was_hot, mut was_cold) = (false, false);
    for memory in (10..22).map(|bits| 1 << bits) {
        let (mut bytes, resources) = (Vec::new(), Resources::new(2, memory));
        if merge.write(&mut bytes, &resources, true, |_| {}).is_err() {
            assert!(bytes.is_empty());
            continue;
        }
        let layer = open(&bytes, true).expect("just written");
        assert_eq!(resources.left_hot().is_none(), layer.is_cold());
        assert_eq!(resources.left_hot().map(|left| left.allowed_bytes), (!layer.is_cold()).then_some(memory));
        assert!(!was_cold || layer.is_cold(), "more memory never undoes it");
        assert!(layer.is_cold() || bytes == hot);
        was_hot |= !layer.is_cold();
        was_cold |= layer.is_cold();
    }
    assert!(was_hot && was_cold);
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

/// Merges of merges whose samples are in several chunks, some of them removed on the way, in partitions and
/// cold.
fn chunks_answer_as_the_model<W: Word>(k: u8, abundances: Abundances, chunk_samples: usize) {
    let geometry = Geometry::new(k, 2).expect("valid");
    let samples = relatives::<W>(26, 300, geometry, abundances);
    let opened = |bytes: &[u8]| open(bytes, true).expect("just written");
    let merge = |layers: &[Layer], removed: &BTreeSet<u32>, is_cold| {
        let write = |threads| {
            merged_in_chunks(layers, removed, &Resources::new(threads, 1 << 30), is_cold, chunk_samples)
        };
        assert_eq!(write(1), write(3), "threads change nothing");
        opened(&write(1))
    };
    let sound = |layer: &Layer, samples: &[Sample<W>], removed: &BTreeSet<u32>| {
        assert_eq!(content::<W>(layer).expect("sound"), model_of(samples, removed), "k {k}");
        layer.verify().expect("sound");
    };
    let none = BTreeSet::new();
    let fresh = |sample: &Sample<W>| opened(&sample_layer(geometry, sample, abundances));
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    // Layers of four samples, of eight to twelve, of all but the last two; then one that takes these in, too.
    let fours: Vec<Layer> = layers[..24].chunks(4).map(|four| merge(four, &none, false)).collect();
    let mut fours = fours.into_iter();
    let mut groups: Vec<Layer> = Vec::new();
    for (count, is_cold) in [(2, false), (3, true), (1, false)] {
        let four: Vec<Layer> = fours.by_ref().take(count).collect();
        groups.push(merge(&four, &none, is_cold));
    }
    let most = merge(&groups, &none, true);
    sound(&most, &samples[..24], &none);
    let mut all = vec![most];
    all.extend(samples[24..].iter().map(fresh));
    sound(&merge(&all, &none, false), &samples, &none);
    let removed: BTreeSet<u32> = samples.iter().map(|(id, _)| *id).filter(|id| id % 4 == 1).collect();
    let fewer = merge(&all, &removed, false);
    sound(&fewer, &samples, &removed);
    // And of what is left some more, so that a table made anew is made anew.
    let more: BTreeSet<u32> = samples.iter().map(|(id, _)| *id).filter(|id| id % 4 != 3).collect();
    let last = merge(&[fewer], &more, true);
    sound(&last, &samples, &more);
}

#[test]
fn samples_in_several_chunks_answer_as_the_model() {
    chunks_answer_as_the_model::<u64>(11, Abundances::Left, 4);
    chunks_answer_as_the_model::<u128>(33, Abundances::Left, 1);
    chunks_answer_as_the_model::<u64>(9, Abundances::Kept, 6);
}

#[test]
fn a_layer_that_grows_by_a_sample_at_a_time_has_few_chunks() {
    let geometry = Geometry::new(7, 0).expect("valid");
    let samples = relatives::<u64>(80, 40, geometry, Abundances::Left);
    let fresh = |sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written");
    let mut growing = fresh(&samples[0]);
    let mut most = 0;
    for sample in &samples[1..] {
        let (layers, resources) = ([growing, fresh(sample)], Resources::new(1, 1 << 30));
        let bytes = merged_in_chunks(&layers, &BTreeSet::new(), &resources, false, 4);
        growing = open(&bytes, true).expect("just written");
        let table = growing.colour_table().expect("whole");
        most = most.max(table.chunks().len());
        assert!(table.depth() <= 33);
    }
    assert!((20..50).contains(&most), "{most} chunks");
    growing.verify().expect("sound");
    assert_eq!(content::<u64>(&growing).expect("sound"), model_of(&samples, &BTreeSet::new()));
}

#[test]
fn a_merge_of_only_removed_samples_is_empty() {
    let geometry = Geometry::new(5, 1).expect("valid");
    let sample = relatives::<u64>(1, 100, geometry, Abundances::Left).remove(0);
    let layer = open(&sample_layer(geometry, &sample, Abundances::Left), true).expect("just written");
    let merge = Merge::plan(&[&layer], &[sample.0].into(), CHUNK_SAMPLES).expect("fits").expect("one layer");
    assert!(merge.is_empty());
    assert!(Merge::plan(&[], &BTreeSet::new(), CHUNK_SAMPLES).expect("fits").is_none());
}

#[test]
fn a_merge_that_does_not_fit_the_memory_says_what_would() {
    let geometry = Geometry::new(11, 0).expect("valid");
    let sample = relatives::<u64>(1, 1000, geometry, Abundances::Left).remove(0);
    let layer = open(&sample_layer(geometry, &sample, Abundances::Left), true).expect("just written");
    let merge = Merge::plan(&[&layer], &BTreeSet::new(), CHUNK_SAMPLES).expect("fits").expect("one layer");
    let write = |memory| merge.write(&mut Vec::new(), &Resources::new(2, memory), false, |_| {});
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

/// Small merged layers, in partitions and cold, and what they answer.
pub(super) fn victims() -> ([Vec<u8>; 2], Model<u64>) {
    let geometry = Geometry::new(9, 1).expect("valid");
    let samples = relatives(3, 120, geometry, Abundances::Left);
    let layers: Vec<Layer> = samples
        .iter()
        .map(|sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written"))
        .collect();
    let none = BTreeSet::new();
    ([merged(&layers, &none, 1), merged_cold(&layers, &none, 1)], model_of(&samples, &none))
}

#[test]
fn every_flipped_byte_is_found_and_never_answers_wrongly() {
    let (victims, model) = victims();
    let places = victims.iter().flat_map(|bytes| (0..bytes.len()).map(move |at| (bytes, at)));
    for (bytes, at) in places {
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

/// The colour set's id of each k-mer of a sequence, looked up as searches do.
fn looked_up(layer: &Layer, sequence: &[u8]) -> Result<Vec<Option<u32>>, LayerError> {
    let found = layer.search_dictionary(sequence.len(), |dictionary| -> Vec<Option<u32>> {
        dictionary.search::<u64>(sequence).map(|at| at.colour()).collect()
    })?;
    Ok(found.expect("a cold layer"))
}

#[test]
fn a_search_of_a_damaged_dictionary_answers_rightly_or_not_at_all() {
    let ([_, bytes], _) = victims();
    let sequence = genome(120, 3);
    let expected = looked_up(&open(&bytes, true).expect("sound"), &sequence).expect("sound");
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        for mapped in [true, false] {
            match open(&damaged, mapped).and_then(|layer| looked_up(&layer, &sequence)) {
                Ok(found) => assert_eq!(found, expected, "byte {at}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 500, "{refused} refused");
}

#[test]
fn a_damaged_page_fails_the_searches_that_touch_it_and_check_and_nothing_else() {
    let geometry = Geometry::new(21, 3).expect("valid");
    let samples = relatives::<u64>(4, 60_000, geometry, Abundances::Left);
    let fresh = |sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written");
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    let bytes = merged_cold(&layers, &BTreeSet::new(), 2);
    let sound = open(&bytes, true).expect("just written");
    let section = sound.footer.dictionary;
    let pages = section.bytes.get().div_ceil(PAGE_BYTES as u64);
    assert!(pages > 10, "{pages} pages");
    let (pieces, mut refused, mut answered) = (genome(60_000, 3), 0, 0);
    for page in 0..pages {
        let mut damaged = bytes.clone();
        let at = section.offset.get() + page * PAGE_BYTES as u64;
        damaged[at as usize + 100] ^= 4;
        let whole = open(&damaged, true).expect("nothing of it was touched");
        assert!(whole.dictionary().is_err());
        for piece in pieces.chunks(25).step_by(120) {
            let layer = open(&damaged, true).expect("nothing of it was touched");
            match looked_up(&layer, piece) {
                Ok(found) => {
                    assert_eq!(found, looked_up(&sound, piece).expect("sound"));
                    answered += 1;
                }
                Err(LayerError::Corrupt { offset, .. }) => {
                    assert_eq!(offset, at);
                    assert!(looked_up(&layer, piece).is_err(), "it stays damaged");
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let error = whole.verify().expect_err("damaged");
        assert!(matches!(error, LayerError::Corrupt { offset, .. } if offset == at), "{error}");
    }
    assert!(refused > 20 && answered > 20, "{refused} refused, {answered} answered");
}

#[test]
fn searches_that_wait_for_each_other_answer_as_those_that_do_not() {
    use crate::unitig::Step;
    let geometry = Geometry::new(21, 3).expect("valid");
    let samples = relatives::<u64>(3, 60_000, geometry, Abundances::Left);
    let fresh = |sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written");
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    let bytes = merged_cold(&layers, &BTreeSet::new(), 2);
    let (ancestor, stranger) = (genome(60_000, 3), genome(9_000, 5));
    let pieces: Vec<&[u8]> = ancestor.chunks(700).chain(stranger.chunks(500)).collect();
    let whole = open(&bytes, true).expect("just written");
    let expected: Vec<_> = pieces.iter().map(|piece| looked_up(&whole, piece).expect("sound")).collect();
    for mapped in [true, false] {
        let layer = open(&bytes, mapped).expect("just written");
        // The second time nothing is waited for any more.
        for (round, is_cold) in [mapped, false].into_iter().enumerate() {
            let search = |searcher: &Searcher<'_>| {
                let mut searches: Vec<_> = pieces.iter().map(|piece| searcher.search::<u64>(piece)).collect();
                let mut found: Vec<Vec<Option<u32>>> = vec![Vec::new(); searches.len()];
                let (mut waits, mut left) = (0, searches.len());
                let mut waiting = vec![false; left];
                while left > 0 {
                    left = searches.len();
                    for ((search, found), waits_now) in searches.iter_mut().zip(&mut found).zip(&mut waiting)
                    {
                        let step = if *waits_now { search.again() } else { search.step() };
                        *waits_now = matches!(step, Step::Awaiting);
                        match step {
                            Step::At(at) => found.push(at.colour()),
                            Step::Awaiting => waits += 1,
                            Step::End => left -= 1,
                        }
                    }
                }
                (found, waits)
            };
            let (found, waits) = layer.search_dictionary(0, search).expect("sound").expect("cold");
            assert_eq!(found, expected);
            assert_eq!(waits > 0, is_cold, "round {round}: waited {waits} times");
        }
    }
}

/// What a damaged page of the colour-set table does to some look at it: it is answered as expected, or refused for
/// that page.
fn answered<T: PartialEq + std::fmt::Debug>(found: Result<T, LayerError>, expected: &T, page: u64) -> bool {
    match found {
        Ok(found) => assert_eq!(&found, expected),
        Err(LayerError::Corrupt { offset, .. }) => {
            assert_eq!(offset, page);
            return false;
        }
        Err(error) => panic!("{error}"),
    }
    true
}

#[test]
fn damaged_pages_of_pairs_roots_and_leaves_fail_what_touches_them_and_check_and_nothing_else() {
    let geometry = Geometry::new(15, 0).expect("valid");
    let samples = relatives::<u64>(24, 14_000, geometry, Abundances::Left);
    let fresh = |sample| open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written");
    let layers: Vec<Layer> = samples.iter().map(fresh).collect();
    let bytes = merged_in_chunks(&layers, &BTreeSet::new(), &Resources::new(1, 1 << 30), true, 2);
    let sound = open(&bytes, true).expect("just written");
    let decoded = |layer: &Layer, id| {
        let mut set = ColourSet::empty(0);
        layer.decode_set(id, &mut set).map(|()| set.iter().collect::<Vec<u32>>())
    };
    let weighed = |layer: &Layer, id: u32| {
        let mut found = Vec::new();
        let met = vec![(u64::from(id) << 32, 3)];
        layer.weigh(met, |colour, _, times| found.push((colour, times))).map(|()| {
            found.sort_unstable();
            found
        })
    };
    let ids: Vec<u32> = (0..sound.colour_sets()).step_by(sound.colour_sets() as usize / 12).collect();
    let expected: Vec<_> = ids
        .iter()
        .map(|&id| (decoded(&sound, id).expect("sound"), weighed(&sound, id).expect("sound")))
        .collect();
    let footer = sound.footer;
    let sections = [footer.set_pairs, footer.set_roots, footer.sets, footer.set_offsets];
    for (number, section) in sections.into_iter().enumerate() {
        let pages = section.bytes.get().div_ceil(PAGE_BYTES as u64);
        assert!(pages > 1 || number > 0, "section {number} has {pages} pages");
        let (mut refused, mut whole) = (0, 0);
        for page in (0..pages).map(|page| section.offset.get() + page * PAGE_BYTES as u64) {
            let mut damaged = bytes.clone();
            damaged[page as usize + 3] ^= 0x20;
            let checked = open(&damaged, true).expect("nothing of it was touched");
            for (&id, (set, weights)) in ids.iter().zip(&expected) {
                // A layer remembers damage: each look has its own.
                let layer = || open(&damaged, true).expect("nothing of it was touched");
                let looks = [
                    answered(decoded(&layer(), id), set, page),
                    answered(weighed(&layer(), id), weights, page),
                ];
                looks.iter().for_each(|is_whole| *if *is_whole { &mut whole } else { &mut refused } += 1);
            }
            let error = checked.verify().expect_err("damaged");
            assert!(matches!(error, LayerError::Corrupt { offset, .. } if offset == page), "{error}");
            assert!(checked.colour_table().is_err());
        }
        assert!(
            refused > 0 && (whole > 0 || pages == 1),
            "section {number}: {refused} refused, {whole} answered"
        );
    }
}

#[test]
fn every_truncation_is_found() {
    for bytes in victims().0 {
        for length in 0..bytes.len() {
            assert!(open(&bytes[..length], true).is_err(), "length {length}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(open(&longer, true).is_err());
    }
}

/// Bytes whose checksums are right but whose numbers are not must not bring the reader down.
#[test]
fn forged_footers_are_refused() {
    use zerocopy::{FromBytes, IntoBytes};
    let ([hot, cold], _) = victims();
    let mut state = 1;
    for round in 0..6000 {
        let bytes = if round % 2 == 0 { &hot } else { &cold };
        let start = bytes.len() - super::format::FOOTER_BYTES;
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

/// A dictionary and a directory whose checksums are right, and whose content is not.
#[test]
fn forged_dictionaries_are_refused_or_read_without_harm() {
    use xxhash_rust::xxh3::xxh3_64;
    use zerocopy::{FromBytes, IntoBytes};
    let ([_, bytes], _) = victims();
    let end = bytes.len() - super::format::FOOTER_BYTES;
    let original = super::format::Footer::read_from_bytes(&bytes[end..]).expect("whole");
    let range = |section: &super::format::SectionPointer| {
        section.offset.get() as usize..section.end().expect("no overflow") as usize
    };
    let mut state = 3;
    for round in 0..4000 {
        let (mut forged, mut footer) = (bytes.clone(), original);
        let victim = if round % 2 == 0 { &mut footer.dictionary } else { &mut footer.directory };
        let part = &mut forged[range(victim)];
        for _ in 0..1 + round % 4 {
            part[noise(&mut state) as usize % part.len()] = noise(&mut state) as u8;
        }
        if round % 2 == 0 {
            // Its own checksums, too.
            let (header, body) = part.split_at_mut(96);
            header[80..88].copy_from_slice(&xxh3_64(body).to_le_bytes());
            let checksum = xxh3_64(&header[..88]);
            header[88..].copy_from_slice(&checksum.to_le_bytes());
        }
        let (sums, rows) = (page_sums(part), victim.end().expect("no overflow").next_multiple_of(8) as usize);
        if round % 2 == 0 {
            forged[rows..rows + sums.len()].copy_from_slice(&sums);
            victim.checksum = xxh3_64(&sums).into();
        } else {
            victim.checksum = xxh3_64(part).into();
        }
        footer.checksum = footer.expected_checksum().into();
        forged[end..].copy_from_slice(footer.as_bytes());
        let Ok(layer) = open(&forged, round % 3 == 0) else { continue };
        let _ = layer.verify();
        if let Ok(Some(dictionary)) = layer.dictionary() {
            let _ = dictionary.search::<u64>(&genome(200, 3)).count();
        }
        let merge =
            Merge::plan(&[&layer], &BTreeSet::new(), CHUNK_SAMPLES).expect("fits").expect("one layer");
        for is_cold in [false, true] {
            let _ = merge.write(&mut Vec::new(), &Resources::new(1, 1 << 20), is_cold, |_| {});
        }
    }
}

#[test]
fn newer_versions_and_codings_are_told_apart_from_damage() {
    use zerocopy::{FromBytes, IntoBytes};
    let ([bytes, _], _) = victims();
    let mut header = super::format::Header::read_from_prefix(&bytes).expect("whole").0;
    header.version = 6.into();
    let newer = [header.as_bytes(), &bytes[header.as_bytes().len()..]].concat();
    let error = open(&newer, true).expect_err("newer");
    assert!(matches!(error, LayerError::Unsupported { what: "format version", found: 6, .. }), "{error}");
}

#[test]
fn layers_of_different_settings_are_not_merged() {
    let layer = |k| {
        let geometry = Geometry::new(k, 1).expect("valid");
        let sample = &relatives::<u64>(1, 100, geometry, Abundances::Left)[0];
        open(&sample_layer(geometry, sample, Abundances::Left), true).expect("just written")
    };
    let (one, other) = (layer(5), layer(7));
    assert!(matches!(
        Merge::plan(&[&one, &other], &BTreeSet::new(), CHUNK_SAMPLES),
        Err(LayerError::Mismatch { .. })
    ));
}
