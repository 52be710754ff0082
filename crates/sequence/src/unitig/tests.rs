//! Dictionaries against plain maps: exact, whatever the k-mers; damaged ones.

use std::collections::BTreeMap;

use stroma_quotient::Key;

use super::bases::Bases;
use super::oriented::Length;
use super::{DictionaryBuilder, DictionaryError, UnitigDictionary};
use crate::layer::paged::Paged;
use crate::noise::noise;

fn sequence(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..length).map(|_| b"ACGT"[noise(&mut state) as usize % 4]).collect()
}

/// Canonical k-mers of a sequence, in order, by plain arithmetic.
fn kmers(sequence: &[u8], k: usize) -> impl Iterator<Item = u128> {
    let code = |byte: u8| b"ACGT".iter().position(|&base| base == byte).expect("a base") as u128;
    sequence.windows(k).map(move |window| {
        let forward = window.iter().fold(0, |word, &byte| (word << 2) | code(byte));
        let reverse = window.iter().rev().fold(0, |word, &byte| (word << 2) | (3 - code(byte)));
        std::cmp::min(forward, reverse)
    })
}

/// k-mers with colours that come from relatives of one sequence, with repeats, circles and poor stretches.
fn model(k: usize, length: usize, seed: u64) -> BTreeMap<u128, u32> {
    let mut state = seed;
    let ancestor = sequence(length, seed);
    let mut model: BTreeMap<u128, u32> = BTreeMap::new();
    for sample in 0..5 {
        let mut genome = ancestor.clone();
        for _ in 0..length / 60 {
            let at = noise(&mut state) as usize % length;
            genome[at] = b"ACGT"[noise(&mut state) as usize % 4];
        }
        match sample {
            1 => genome.extend_from_slice(&ancestor[..k.min(length)]),
            2 => genome.extend(std::iter::repeat_n(b'A', 3 * k)),
            3 => genome.extend(b"AC".iter().cycle().take(4 * k)),
            _ => {}
        }
        kmers(&genome, k).for_each(|kmer| *model.entry(kmer).or_default() |= 1 << sample);
    }
    model
}

fn word<W: Key>(kmer: u128) -> W {
    (W::from((kmer >> 64) as u64) << (W::BITS / 2)) << (W::BITS / 2 % 64) | W::from(kmer as u64)
}

fn build<W: Key>(k: usize, model: &BTreeMap<u128, u32>, parts: u64) -> Vec<u8> {
    let mut builder = DictionaryBuilder::<W>::new(k as u8).expect("odd");
    for part in 0..parts {
        let own = model.iter().filter(|(kmer, _)| super::build::kmer_hash(**kmer) % parts == part);
        let own: Vec<(W, u32)> = own.map(|(&kmer, &colour)| (word(kmer), colour)).collect();
        builder.add(&own).expect("canonical");
    }
    builder.finish().expect("small")
}

fn check<W: Key>(k: usize, model: &BTreeMap<u128, u32>, parts: u64) {
    let bytes = build::<W>(k, model, parts);
    let dictionary = UnitigDictionary::open(&bytes).expect("just built");
    dictionary.verify().expect("sound");
    assert_eq!(dictionary.kmers(), model.len() as u64);
    let listed: BTreeMap<u128, u32> =
        dictionary.iter::<W>().map(|(kmer, found)| (kmer.into(), found.colour)).collect();
    assert_eq!(listed, *model, "k {k}");
    assert_eq!(dictionary.iter::<W>().count(), model.len());
    for (&kmer, &colour) in model {
        assert_eq!(dictionary.get(word::<W>(kmer)).map(|found| found.colour), Some(colour));
    }
    // Sequences that come from the model, change over to strangers, and are read on either strand.
    for seed in 0..6 {
        let mut state = seed;
        let mut query = sequence(400, seed % 3 + 40);
        let relative = sequence(300, 1000 + k as u64);
        let at = noise(&mut state) as usize % 100;
        query[at..at + 200].copy_from_slice(&relative[50..250]);
        if seed % 2 == 1 {
            query = query.iter().rev().map(|base| b"TGCA"[(base >> 1 & 3) as usize % 4]).collect();
        }
        let found = dictionary.search::<W>(&query).map(|at| at.colour());
        let expected = kmers(&query, k).map(|kmer| model.get(&kmer).copied());
        assert!(found.eq(expected), "k {k}, seed {seed}");
    }
}

#[test]
fn every_kmer_and_no_other_is_found_with_its_colour() {
    for k in (3..=31).step_by(2) {
        for (length, parts) in [(k, 1), (300, 1), (1500, 7)] {
            check::<u64>(k, &model(k, length, 1000 + k as u64), parts);
        }
    }
    for k in [5, 31, 33, 47, 63] {
        check::<u128>(k, &model(k, 800, 1000 + k as u64), 5);
    }
    check::<u64>(9, &BTreeMap::new(), 3);
}

#[test]
fn whole_universes_of_short_kmers_are_held() {
    for k in [3, 5, 7] {
        let all =
            (0..1_u128 << (2 * k)).filter(|&kmer| Length::<u128>::new(k).reverse_complement(kmer) >= kmer);
        check::<u64>(k as usize, &all.map(|kmer| (kmer, (kmer % 3) as u32)).collect(), 2);
    }
}

#[test]
fn overlaps_are_stored_once() {
    // A random sequence and its k-mers in any order: one string, whatever the parts; and one run of equal colours.
    let genome = sequence(20_000, 8);
    let model: BTreeMap<u128, u32> = kmers(&genome, 21).map(|kmer| (kmer, 1)).collect();
    for parts in [1, 9] {
        let bytes = build::<u64>(21, &model, parts);
        let dictionary = UnitigDictionary::open(&bytes).expect("just built");
        assert_eq!((dictionary.strings(), dictionary.runs(), dictionary.kmers()), (1, 1, 19_980));
        assert!(Bases::new(Paged::verified(&bytes)).kmer::<u64>(0, 1) < 4);
        assert!(dictionary.parts().strings <= 20_000 / 4 + 16);
    }
}

#[test]
fn repeats_without_end_are_found_quickly() {
    // One m-mer at very many places: its k-mers are found by their own hashes.
    let mut state = 5;
    let mut genome = Vec::new();
    for _ in 0..800 {
        genome.extend_from_slice(b"ACCGTTAGCATTGACCATAG");
        genome.extend((0..6).map(|_| b"ACGT"[noise(&mut state) as usize % 4]));
    }
    let model: BTreeMap<u128, u32> = kmers(&genome, 23).map(|kmer| (kmer, (kmer % 2) as u32)).collect();
    let bytes = build::<u64>(23, &model, 2);
    let dictionary = UnitigDictionary::open(&bytes).expect("just built");
    assert!(dictionary.parts().heavy > 8);
    dictionary.verify().expect("sound");
    check::<u64>(23, &model, 2);
}

#[test]
fn what_is_no_kmer_is_refused() {
    let mut builder = DictionaryBuilder::<u64>::new(5).expect("odd");
    let refused = |outcome| matches!(outcome, Err(DictionaryError::UnsupportedKmer { .. }));
    assert!(refused(builder.add(&[(1 << 10, 0)])));
    assert!(refused(builder.add(&[(0b11_11_11_11_11, 0)])));
    assert!(refused(builder.add(&[(3, 0), (3, 1)])));
    for k in [0, 1, 2, 4, 32, 33, 63] {
        assert!(DictionaryBuilder::<u64>::new(k).is_err());
    }
    assert!(DictionaryBuilder::<u128>::new(63).is_ok() && DictionaryBuilder::<u128>::new(65).is_err());
}

#[test]
fn every_flipped_or_missing_byte_is_found() {
    let bytes = build::<u64>(9, &model(9, 200, 3), 2);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(UnitigDictionary::open(&damaged).is_err(), "byte {at}");
        assert!(UnitigDictionary::open(&bytes[..at]).is_err(), "length {at}");
    }
}

#[test]
fn forged_bytes_bring_nobody_down() {
    use zerocopy::{FromBytes, IntoBytes};
    let model = model(9, 300, 3);
    let bytes = build::<u64>(9, &model, 2);
    let query = sequence(200, 3);
    let mut state = 1;
    for round in 0..3000 {
        let mut forged = bytes.clone();
        for _ in 0..1 + round % 5 {
            let at = noise(&mut state) as usize % forged.len();
            forged[at] = noise(&mut state) as u8;
        }
        let mut header = super::format::Header::read_from_prefix(&forged).expect("whole").0;
        header.checksum = header.expected_checksum().into();
        forged[..super::format::HEADER_BYTES].copy_from_slice(header.as_bytes());
        let Ok(dictionary) = UnitigDictionary::open_paged(Paged::verified(&forged)) else { continue };
        let _ = dictionary.verify();
        let _ = dictionary.search::<u128>(&query).count();
        let _ = dictionary.iter::<u128>().take(10_000).count();
    }
}
