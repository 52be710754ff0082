//! Databases written byte by byte come back; damaged and cut ones are errors, never a panic or a hang.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use stroma_strata::SetOptions;
use stroma_strata::storage::MemoryStorage;

use super::file::reverse_complement;
use super::kmc::KmcDatabase;
use super::runs::push_counter;
use super::source::Source;
use super::squeakr::SqueakrFile;
use super::unmix::mix;
use super::*;
use crate::{
    Error, IndexOptions, Input, NewSample, NoProgress, Outcome, Query, SearchOptions, SequenceIndex,
};

/// Canonical k-mers and their counts.
type Counts = BTreeMap<u128, u64>;

/// How a database of KMC is laid out.
#[derive(Clone, Copy)]
struct Layout {
    k: u32,
    prefix_bases: u32,
    counter_bytes: usize,
    /// Tables of prefixes of KMC 2; KMC 1 has one, and no signatures.
    bins: Option<u64>,
    least: u32,
}

/// Both files of a database.
fn kmc_files(counts: &Counts, layout: Layout) -> (Vec<u8>, Vec<u8>) {
    let Layout { k, prefix_bases, counter_bytes, bins, least } = layout;
    let suffix_bits = 2 * (k - prefix_bases);
    let (mut prefixes, mut suffixes) = (b"KMCP".to_vec(), b"KMCS".to_vec());
    let mut records = 0_u64;
    for bin in 0..bins.unwrap_or(1) {
        for prefix in 0..1_u128 << (2 * prefix_bases) {
            prefixes.extend(records.to_le_bytes());
            for (&kmer, &count) in counts {
                let is_of_bin = (kmer % u128::from(bins.unwrap_or(1))) as u64 == bin;
                if is_of_bin && kmer >> suffix_bits == prefix {
                    suffixes.extend(&kmer.to_be_bytes()[16 - (k - prefix_bases) as usize / 4..]);
                    suffixes.extend(&count.to_le_bytes()[..counter_bytes]);
                    records += 1;
                }
            }
        }
    }
    suffixes.extend(b"KMCS");
    if bins.is_some() {
        // Signatures of one base: the number of records, then a bin for each signature and one more.
        prefixes.extend(records.to_le_bytes());
        (0..5_u32).for_each(|_| prefixes.extend(0_u32.to_le_bytes()));
    }
    let start = prefixes.len();
    for field in [k, 0, counter_bytes as u32, prefix_bases] {
        prefixes.extend(field.to_le_bytes());
    }
    if bins.is_some() {
        prefixes.extend(1_u32.to_le_bytes());
    }
    prefixes.extend(least.to_le_bytes());
    prefixes.extend(1_000_000_u32.to_le_bytes());
    prefixes.extend(records.to_le_bytes());
    prefixes.push(0);
    prefixes.extend([0; 27]);
    prefixes.extend(if bins.is_some() { 0x200_u32 } else { 0 }.to_le_bytes());
    prefixes.extend(((prefixes.len() - start) as u32).to_le_bytes());
    prefixes.extend(b"KMCP");
    (prefixes, suffixes)
}

fn source(bytes: &[u8], name: &str) -> Source {
    Source::new(Cursor::new(bytes.to_vec()), name.to_owned()).expect("memory")
}

fn read_kmc(prefixes: &[u8], suffixes: &[u8]) -> Result<Counts, ImportError> {
    let database = KmcDatabase::from_sources(source(prefixes, "a.kmc_pre"), source(suffixes, "a.kmc_suf"))?;
    let mut counts = Counts::new();
    database.for_each(|kmer, count| {
        *counts.entry(kmer).or_default() += count;
        Ok::<(), ImportError>(())
    })?;
    Ok(counts)
}

/// A Squeakr file of 2^`quotient_bits` quotients.
fn squeakr_file(counts: &Counts, k: u32, quotient_bits: u32) -> Vec<u8> {
    let (key_bits, quotients) = (2 * k, 1_u64 << quotient_bits);
    let slot_bits = key_bits - quotient_bits;
    let mut runs: BTreeMap<u64, BTreeMap<u64, u64>> = BTreeMap::new();
    for (&kmer, &count) in counts {
        // Its order of the bases is C, A, T, G, and it takes the larger strand.
        let recoded = |kmer: u128| kmer as u64 ^ (0x5555_5555_5555_5555 >> (64 - key_bits));
        let strands = [recoded(kmer), recoded(reverse_complement(kmer, key_bits))];
        let hash = mix(strands[0].max(strands[1]), key_bits);
        runs.entry(hash >> slot_bits).or_default().insert(hash & ((1 << slot_bits) - 1), count);
    }
    let blocks = (quotients + 10 * quotients.isqrt()).div_ceil(64);
    let slots = blocks as usize * 64;
    let (mut occupied, mut ends, mut filled) = (vec![false; slots], vec![false; slots], vec![0; slots]);
    let mut free = 0;
    for (quotient, remainders) in runs {
        occupied[quotient as usize] = true;
        let mut run = Vec::new();
        remainders
            .iter()
            .for_each(|(&remainder, &count)| push_counter(&mut run, remainder, count, slot_bits));
        let start = free.max(quotient as usize);
        filled[start..start + run.len()].copy_from_slice(&run);
        free = start + run.len();
        ends[free - 1] = true;
    }
    let block_bytes = blocks * (17 + 8 * u64::from(slot_bits));
    let mut file = 1_018_874_902_021_329_732_u64.to_le_bytes().to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(block_bytes.to_le_bytes());
    file.extend(2_038_074_761_u64.to_le_bytes());
    let slot_bits = u64::from(slot_bits);
    for number in [quotients, slots as u64, key_bits.into(), 0, slot_bits, slot_bits] {
        file.extend(number.to_le_bytes());
    }
    file.extend((1_u128 << key_bits).to_le_bytes());
    for number in [blocks, counts.values().sum(), counts.len() as u64, free as u64] {
        file.extend(number.to_le_bytes());
    }
    for block in 0..blocks as usize {
        file.push(0);
        for bits in [&occupied, &ends] {
            file.extend(
                (0..64)
                    .fold(0_u64, |word, bit| word | u64::from(bits[64 * block + bit]) << bit)
                    .to_le_bytes(),
            );
        }
        let mut packed = vec![0_u8; 8 * slot_bits as usize];
        for slot in 0..64 {
            for bit in 0..slot_bits as usize {
                let at = slot * slot_bits as usize + bit;
                packed[at / 8] |= ((filled[64 * block + slot] >> bit & 1) as u8) << (at % 8);
            }
        }
        file.extend(packed);
    }
    for number in [u64::from(k), 1, 1, 0x0102_0304_0506_0708] {
        file.extend(number.to_le_bytes());
    }
    file.extend(2_u32.to_le_bytes());
    file
}

fn read_squeakr(bytes: &[u8]) -> Result<Counts, ImportError> {
    let file = SqueakrFile::from_source(source(bytes, "a.squeakr"))?;
    let bits = 2 * u32::from(file.header.k);
    let mut counts = Counts::new();
    file.for_each(|kmer, count| {
        let kmer = u128::from(kmer);
        counts.insert(kmer.min(reverse_complement(kmer, bits)), count);
        Ok::<(), ImportError>(())
    })?;
    Ok(counts)
}

fn sequence(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            b"ACGT"[(state >> 62) as usize]
        })
        .collect()
}

/// The k-mers of a sequence, counted by text, each count multiplied.
fn counts_of(sequence: &[u8], k: u32, times: u64) -> Counts {
    let mut counts = Counts::new();
    for window in sequence.windows(k as usize) {
        let code = |base: &u8| b"ACGT".iter().position(|other| other == base).expect("a base") as u128;
        let kmer = window.iter().fold(0, |kmer, base| kmer << 2 | code(base));
        *counts.entry(kmer.min(reverse_complement(kmer, 2 * k))).or_default() += times;
    }
    counts
}

const SMALL: Layout = Layout { k: 9, prefix_bases: 1, counter_bytes: 1, bins: Some(3), least: 1 };

#[test]
fn databases_of_kmc_come_back() {
    for (k, prefix_bases, counter_bytes) in
        [(9, 1, 1), (9, 5, 2), (23, 3, 4), (31, 7, 3), (33, 5, 1), (63, 3, 2)]
    {
        for bins in [None, Some(1), Some(4)] {
            let counts = counts_of(&sequence(400, u64::from(k)), k, 3);
            let layout = Layout { k, prefix_bases, counter_bytes, bins, least: 1 };
            let (prefixes, suffixes) = kmc_files(&counts, layout);
            assert_eq!(read_kmc(&prefixes, &suffixes).expect("sound"), counts, "k {k}");
        }
    }
}

#[test]
fn files_of_squeakr_come_back() {
    for (k, quotient_bits) in [(9, 8), (15, 9), (23, 6), (31, 10)] {
        for times in [1, 2, 3, 4, 5, 700, 123_456_789] {
            // A short period, so that some k-mers have other counts.
            let mut bases = sequence(40, times);
            bases.extend(b"ACGACGACGACGACGACGACGACGACGACGACGACG");
            let counts = counts_of(&bases, k, times);
            let file = squeakr_file(&counts, k, quotient_bits);
            assert_eq!(read_squeakr(&file).expect("sound"), counts, "k {k}, {times} times");
        }
    }
}

/// Reads what is left of some bytes after each cut and each flipped bit; gives how many readings failed.
fn damaged(bytes: &[u8], read: impl Fn(&[u8]) -> bool) -> (usize, usize) {
    let cuts = (0..bytes.len()).filter(|&length| !read(&bytes[..length])).count();
    let flips = (0..8 * bytes.len()).filter(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        !read(&flipped)
    });
    (cuts, flips.count())
}

#[test]
fn damaged_files_are_errors_and_nothing_worse() {
    let counts = counts_of(&sequence(60, 8), 9, 2);
    for bins in [None, Some(3)] {
        let (prefixes, suffixes) = kmc_files(&counts, Layout { bins, ..SMALL });
        let (cuts, flips) = damaged(&prefixes, |bytes| read_kmc(bytes, &suffixes).is_ok());
        assert!(cuts == prefixes.len() && flips > 0);
        let (cuts, _) = damaged(&suffixes, |bytes| read_kmc(&prefixes, bytes).is_ok());
        assert_eq!(cuts, suffixes.len());
    }
    let file = squeakr_file(&counts, 9, 7);
    let (cuts, flips) = damaged(&file, |bytes| read_squeakr(bytes).is_ok());
    assert!(cuts == file.len() && flips > 0);
}

#[test]
fn an_error_names_the_file_and_the_byte() {
    let counts = counts_of(&sequence(60, 8), 9, 2);
    let (prefixes, suffixes) = kmc_files(&counts, SMALL);
    let header = prefixes.len() - 8 - 68;
    let with = |at: usize, byte: u8| {
        let mut changed = prefixes.clone();
        changed[at] = byte;
        read_kmc(&changed, &suffixes).expect_err("changed").to_string()
    };
    let expected = format!("a.kmc_pre, byte {}: the two strands were counted apart", header + 36);
    assert!(with(header + 36, 1).starts_with(&expected), "{}", with(header + 36, 1));
    assert!(with(header, 8).contains("its k-mers have 8 bases"), "{}", with(header, 8));
    assert!(with(header, 65).contains("its k-mers have 65 bases"));
    assert!(with(header + 4, 1).contains("mode 1"));
    assert!(with(prefixes.len() - 12, 7).contains("format version 0x207"));
    assert!(with(0, b'X').contains("byte 0: these are no counted k-mers"));
    let cut = read_kmc(&prefixes, &suffixes[..suffixes.len() - 3]).expect_err("cut").to_string();
    assert!(cut.starts_with("a.kmc_suf, byte ") && cut.contains("cut short"), "{cut}");

    let file = squeakr_file(&counts, 9, 7);
    let with = |at: usize, byte: u8| {
        let mut changed = file.clone();
        changed[at] = byte;
        read_squeakr(&changed).expect_err("changed").to_string()
    };
    assert!(with(8, 0).starts_with("a.squeakr, byte 8: the file holds hashes"), "{}", with(8, 0));
    assert!(with(file.len() - 36, 10).contains("its k-mers have 10 bases"));
    assert!(with(file.len() - 4, 3).contains("format version 0x3"));
    assert!(with(112, 1).contains("as many k-mers as it says"), "{}", with(112, 1));
}

fn index(k: u8, abundances: bool) -> SequenceIndex {
    let options = IndexOptions { k, abundances, ..IndexOptions::default() };
    SequenceIndex::create(Arc::new(MemoryStorage::new()), options, SetOptions::default()).expect("memory")
}

fn answers(index: &SequenceIndex, query: &[u8], abundances: bool) -> Vec<(String, u64, Option<f64>)> {
    let options = SearchOptions { threshold: 0.0, abundances, ..SearchOptions::default() };
    let mut results = index.search([Ok(Query::new("q", query))], options).expect("sound");
    let Outcome::Hits(hits) = results.next().expect("one").expect("sound").outcome else {
        panic!("too short")
    };
    hits.iter().map(|hit| (hit.sample.to_string(), hit.found, hit.abundance)).collect()
}

#[allow(clippy::disallowed_methods, reason = "a test writes the files that are read")]
fn written(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("room");
    path
}

#[test]
fn imported_samples_are_found_as_sequences_are() {
    let folder = tempfile::tempdir().expect("room");
    for (k, prefix_bases) in [(9, 1), (31, 3), (41, 5)] {
        let bases = sequence(900, 77);
        let (own, counted) = (index(k, true), index(k, true));
        let text = |bases: &[u8]| [b">r\n", bases, b"\n"].concat();
        own.add_sample("whole", vec![Input::bytes("a", text(&bases))], &NoProgress).expect("sound");
        // Two databases, some of whose k-mers are in both: together they are the sequence.
        let layout = Layout { k: k.into(), prefix_bases, counter_bytes: 2, bins: Some(2), least: 1 };
        let mut files = Vec::new();
        for (number, part) in [&bases[..500], &bases[501 - usize::from(k)..]].into_iter().enumerate() {
            let (prefixes, suffixes) = kmc_files(&counts_of(part, k.into(), 1), layout);
            let stem = format!("{k}.{number}");
            written(folder.path(), &format!("{stem}.kmc_suf"), &suffixes);
            files.push(written(folder.path(), &format!("{stem}.kmc_pre"), &prefixes));
        }
        assert_eq!(sample_name(&files[1]), format!("{k}.1"));
        let samples = [NewSample::from_counts("whole", files)];
        counted.add_samples(samples.into_iter().map(Ok), false, &NoProgress).expect("sound");
        assert_eq!(answers(&counted, &bases[100..400], true), answers(&own, &bases[100..400], true));
        let (expected, found) =
            (own.sample("whole").expect("added"), counted.sample("whole").expect("added"));
        assert_eq!((found.kmers, found.distinct_kmers), (expected.kmers, expected.distinct_kmers));
        if k <= 31 {
            let file = squeakr_file(&counts_of(&bases, k.into(), 2), k.into(), 11);
            let path = written(folder.path(), "twice.squeakr", &file);
            let twice = NewSample::from_counts("twice", vec![path]).with_minimum_count(2);
            counted.add_samples([Ok(twice)].into_iter(), false, &NoProgress).expect("sound");
            assert_eq!(answers(&counted, &bases, true).len(), 2);
        }
    }
}

#[test]
fn spilled_counts_are_counts() {
    let folder = tempfile::tempdir().expect("room");
    let bases = sequence(30_000, 3);
    let counts = counts_of(&bases, 21, 4);
    let path = written(folder.path(), "s.squeakr", &squeakr_file(&counts, 21, 17));
    let small = index(21, false);
    small.set_resources(crate::BuildResources { threads: 2, memory_bytes: 1 << 17 });
    let sample = NewSample::from_counts("s", vec![path]);
    small.add_samples([Ok(sample)].into_iter(), false, &NoProgress).expect("sound");
    assert_eq!(small.sample("s").expect("added").indexed_kmers, counts.len() as u64);
    assert_eq!(answers(&small, &bases[..1000], false), [("s".to_owned(), 980, None)]);
}

#[test]
fn an_import_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().expect("room");
    let counts = counts_of(&sequence(60, 8), 9, 2);
    let (prefixes, suffixes) = kmc_files(&counts, SMALL);
    written(folder.path(), "a.kmc_suf", &suffixes);
    let path = written(folder.path(), "a.kmc_pre", &prefixes);
    let add = |k, path: &Path| {
        let index = index(k, false);
        let sample = NewSample::from_counts("a", vec![path.to_owned()]);
        let error = index.add_samples([Ok(sample)].into_iter(), false, &NoProgress).expect_err("not sound");
        assert!(index.samples().is_empty());
        *error.source
    };
    let kind = |error: Error| match error {
        Error::Import(error) => error.kind,
        other => panic!("{other}"),
    };
    assert!(matches!(kind(add(11, &path)), ImportErrorKind::OtherK { found: 9, expected: 11 }));
    assert!(matches!(kind(add(9, &folder.path().join("none"))), ImportErrorKind::Open(_)));
    let fasta = written(folder.path(), "b.fa", b">a\nACGTACGTACGT\n");
    assert!(matches!(kind(add(9, &fasta)), ImportErrorKind::Unknown));
    let (empty, none) = kmc_files(&Counts::new(), SMALL);
    written(folder.path(), "e.kmc_suf", &none);
    let empty = written(folder.path(), "e.kmc_pre", &empty);
    assert!(matches!(kind(add(9, &empty)), ImportErrorKind::Empty));
    let index = index(9, false);
    let stem = NewSample::from_counts("a", vec![folder.path().join("a")]);
    index.add_samples([Ok(stem)].into_iter(), false, &NoProgress).expect("the name without the ending");
}
