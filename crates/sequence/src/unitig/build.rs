//! Builds a dictionary: k-mers in parts, strings from them, the tables over the strings, the bytes.

use std::ops::Range;

use stroma_quotient::Key;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::DictionaryError;
use super::format::{HEADER_BYTES, Header, MAGIC, VERSION};
use super::join::{self, Strings, join};
use super::near::{Near, smallest_hash};
use super::oriented::Length;
use super::paths::{Paths, cover};
use super::places::{StoredPlaces, bucket_of};
use super::sampling::{Sample, Sampling, Slider, mix};
use super::table::KmerTable;

/// Most positions in a bucket; one with more hands over to the table of whole k-mers.
pub(super) const MOST_IN_BUCKET: usize = 16;
/// Sequences have so many times the sampled positions of random ones, and less.
const MORE_THAN_RANDOM: f64 = 1.1;
/// Paths are numbered with 31 bits.
const MOST_PATHS: u64 = (1 << 31) - 1;

/// A part of the k-mers as paths: what a [`DictionaryBuilder`] takes.
#[derive(Debug, Default)]
pub(crate) struct CoveredPart {
    paths: Paths,
    kmers: u64,
}

impl CoveredPart {
    /// Number of k-mers.
    pub(crate) fn kmers(&self) -> u64 {
        self.kmers
    }
}

/// Memory to cover parts in, one after the other.
pub(crate) struct CoverRoom<W> {
    given: Vec<(W, u32)>,
    near: Near<W>,
    table: KmerTable<W>,
}

impl<W: Key> CoverRoom<W> {
    pub(crate) fn new() -> Self {
        CoverRoom { given: Vec::new(), near: Near::new(), table: KmerTable::new() }
    }
}

/// Collects the k-mers of a dictionary, part by part.
///
/// Memory: the part being added, at 36 bytes a k-mer (68 for k above 31), a copy of what it is given as among them, and
/// the paths of the parts before. These are joined at the end: for k-mers of bacteria in 64 partitions by minimizer
/// that takes 11 bytes a k-mer at most.
pub struct DictionaryBuilder<W> {
    k: u8,
    length: Length<W>,
    paths: Paths,
    kmers: u64,
}

impl<W: Key> DictionaryBuilder<W> {
    /// For an odd `k` from 3 to 31 (`u64`) or 63 (`u128`).
    ///
    /// # Errors
    /// [`DictionaryError::UnsupportedK`].
    pub fn new(k: u8) -> Result<Self, DictionaryError> {
        if k < 3 || k.is_multiple_of(2) || 2 * u32::from(k) >= W::BITS {
            return Err(DictionaryError::UnsupportedK { k, bits: W::BITS });
        }
        let length = Length::new(k.into());
        Ok(DictionaryBuilder { k, length, paths: Paths::default(), kmers: 0 })
    }

    /// Adds k-mers, each with its colour. No k-mer may be in two parts; the better neighbours in a sequence stay
    /// together in one part, the less remains to be joined. Linear time on average.
    ///
    /// # Errors
    /// [`DictionaryError::UnsupportedKmer`] for a word that is no canonical k-mer, or is twice in the part;
    /// [`DictionaryError::TooMany`].
    pub fn add(&mut self, kmers: &[(W, u32)]) -> Result<(), DictionaryError> {
        let part = self.cover(kmers.iter().copied(), &mut CoverRoom::new())?;
        self.append(&part, |colour| colour)
    }

    /// Covers a part with paths, as [`add`](Self::add) does, without adding it yet: parts are independent of each
    /// other. Colours need only be told apart here.
    pub(crate) fn cover(
        &self,
        kmers: impl Iterator<Item = (W, u32)>,
        room: &mut CoverRoom<W>,
    ) -> Result<CoveredPart, DictionaryError> {
        let CoverRoom { given, near, table } = room;
        given.clear();
        given.extend(kmers);
        for &(kmer, _) in &*given {
            let too_long = kmer > W::mask(2 * u32::from(self.k));
            if too_long || self.length.reverse_complement(kmer) < kmer {
                return Err(DictionaryError::UnsupportedKmer {
                    kmer: kmer.into(),
                    what: "no canonical k-mer",
                });
            }
        }
        // Neighbours in groups whose tables fit the processor's cache.
        near.group(given, |kmer| smallest_hash(self.length.oriented(kmer), self.k));
        let mut paths = Paths::default();
        near.groups().try_for_each(|group| cover(group, self.length, table, &mut paths))?;
        Ok(CoveredPart { paths, kmers: given.len() as u64 })
    }

    /// Adds a covered part, with other colours in place of those that it was covered with.
    pub(crate) fn append(
        &mut self,
        part: &CoveredPart,
        colour: impl Fn(u32) -> u32,
    ) -> Result<(), DictionaryError> {
        self.paths.append(&part.paths, colour);
        if self.paths.begins.len() as u64 > MOST_PATHS {
            return Err(DictionaryError::TooMany { limit: MOST_PATHS });
        }
        self.kmers += part.kmers;
        Ok(())
    }

    /// Bytes of memory that the parts added so far take.
    pub(crate) fn bytes(&self) -> u64 {
        self.paths.bytes()
    }

    /// Bytes of memory that [`finish`](Self::finish) takes at most, what is there included: an estimate.
    pub(crate) fn bytes_to_finish(&self) -> u64 {
        let Paths { bases, begins, runs } = &self.paths;
        let (paths, sampling) = (begins.len() as u64, Sampling::choose(self.k.into(), self.kmers));
        let strings = bases.len() / 2 + 13 * runs.len() as u64;
        let (pairing, writing) = join::bytes_for_a_path::<W>();
        let joining = self.bytes() + (paths * pairing).max(paths * writing + strings);
        let sampled = (self.kmers as f64 * sampling.density() * MORE_THAN_RANDOM) as u64;
        joining.max(strings + sampled * 2 * size_of::<(u64, u64)>() as u64 + 2 * self.kmers)
    }

    /// Joins what was added and writes the dictionary. Time: sorting the ends of paths and the sampled positions.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn finish(self) -> Result<Vec<u8>, DictionaryError> {
        let k = u32::from(self.k);
        let strings = join::<W>(&self.paths, k);
        let kmers = self.kmers;
        drop(self.paths);
        let sampling = Sampling::choose(k, kmers);
        let (places, heavy) = Tables { strings: &strings, sampling, length: self.length }.build();
        let (bases, runs) = (strings.bases.len(), strings.runs.store(strings.bases.len()));
        let mut header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            k: self.k,
            m: sampling.m as u8,
            t: sampling.t as u8,
            colour_width: runs.colours.width as u8,
            kmers: kmers.into(),
            strings: strings.strings.into(),
            bases: bases.into(),
            runs: (strings.runs.starts.len() as u64).into(),
            buckets: places.buckets.into(),
            entries: places.entries.into(),
            heavy_buckets: heavy.buckets.into(),
            heavy_entries: heavy.entries.into(),
            ..Header::default()
        };
        let mut bytes = vec![0; HEADER_BYTES];
        let sections = [
            &strings.bases.into_bytes(),
            &runs.groups.bits,
            &runs.groups.samples.bytes,
            &runs.lows.bytes,
            &runs.lasts.bytes,
            &runs.colours.bytes,
            &places.groups.bits,
            &places.groups.samples.bytes,
            &places.positions.bytes,
            &heavy.groups.bits,
            &heavy.groups.samples.bytes,
            &heavy.positions.bytes,
        ];
        sections.into_iter().for_each(|section| bytes.extend_from_slice(section));
        header.body_checksum = xxh3_64(&bytes[HEADER_BYTES..]).into();
        header.checksum = header.expected_checksum().into();
        bytes[..HEADER_BYTES].copy_from_slice(header.as_bytes());
        Ok(bytes)
    }
}

/// Makes the tables over finished strings.
struct Tables<'a, W> {
    strings: &'a Strings,
    sampling: Sampling,
    length: Length<W>,
}

impl<W: Key> Tables<'_, W> {
    /// The table of sampled m-mers, and that of the k-mers whose m-mers are at too many places.
    fn build(&self) -> (StoredPlaces, StoredPlaces) {
        let width = crate::layer::packed::width_for(self.strings.bases.len());
        let expected = self.strings.bases.len() as f64 * self.sampling.density() * MORE_THAN_RANDOM;
        let mut sampled: Vec<(u64, u64)> = Vec::with_capacity(expected as usize);
        self.each_kmer(|position, sample| {
            let entry = (sample.hash, position + u64::from(sample.offset));
            if sampled.last() != Some(&entry) {
                sampled.push(entry);
            }
        });
        sampled.sort_unstable();
        sampled.dedup();
        let buckets = sampled.len() as u64;
        sampled.iter_mut().for_each(|entry| entry.0 = bucket_of(entry.0, buckets));
        let is_heavy = |group: &[(u64, u64)]| group.len() > MOST_IN_BUCKET;
        let mut heavy_places: Vec<u64> = Vec::new();
        let mut kept = Vec::with_capacity(sampled.len());
        for group in sampled.chunk_by(|one, other| one.0 == other.0) {
            if is_heavy(group) {
                heavy_places.extend(group.iter().map(|&(_, place)| place));
                kept.push((group[0].0, u64::MAX >> (64 - width)));
            } else {
                kept.extend_from_slice(group);
            }
        }
        drop(sampled);
        let heavy = self.heavy(heavy_places, width);
        (StoredPlaces::new(&kept, buckets, width), heavy)
    }

    /// The k-mers whose samples are at these places, by the hash of the whole k-mer.
    fn heavy(&self, mut places: Vec<u64>, width: u32) -> StoredPlaces {
        places.sort_unstable();
        let (k, mut found) = (u64::from(self.length.bases()), Vec::new());
        let mut strings = self.strings().peekable();
        for place in places {
            while strings.next_if(|string| string.end <= place).is_some() {}
            let Some(string) = strings.peek() else { break };
            let most = u64::from(self.sampling.k - self.sampling.m);
            for position in place.saturating_sub(most).max(string.start)..=place {
                if position + k > string.end {
                    break;
                }
                let kmer = self.length.oriented(self.strings.bases.kmer(position, self.length.bases()));
                let [sample, _] = self.sampling.samples(kmer);
                if position + u64::from(sample.offset) == place {
                    found.push((kmer_hash(kmer.canonical()), position));
                }
            }
        }
        found.sort_unstable();
        let own_buckets = found.len() as u64;
        found.iter_mut().for_each(|entry| entry.0 = bucket_of(entry.0, own_buckets));
        StoredPlaces::new(&found, own_buckets, width)
    }

    /// Where each string begins and ends.
    fn strings(&self) -> impl Iterator<Item = Range<u64>> {
        let (runs, bases) = (&self.strings.runs, self.strings.bases.len());
        let lasts = runs.last_of_string.iter().enumerate().filter(|(_, is_last)| **is_last);
        let ends = lasts.map(move |(run, _)| runs.starts.get(run + 1).copied().unwrap_or(bases));
        ends.scan(0, |begin, end| Some(std::mem::replace(begin, end)..end))
    }

    /// Hands out each k-mer's position, and the sample of the k-mer as it is read there.
    fn each_kmer(&self, mut take: impl FnMut(u64, Sample)) {
        let k = u64::from(self.length.bases());
        let mut slider = Slider::new(self.sampling);
        for string in self.strings() {
            slider.restart();
            for position in string {
                if let Some([sample, _]) = slider.push(self.strings.bases.get(position)) {
                    take(position + 1 - k, sample);
                }
            }
        }
    }
}

/// Hash of a whole canonical k-mer.
#[inline]
pub(super) fn kmer_hash<W: Key>(kmer: W) -> u64 {
    let wide: u128 = kmer.into();
    mix(wide as u64 ^ mix((wide >> 64) as u64))
}
