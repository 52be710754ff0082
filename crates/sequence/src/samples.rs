//! What the manifest's records say of an index: its settings and its samples.
//!
//! Record `settings` holds what was chosen when the index was created. Record `sample/<id>` (eight hexadecimal
//! digits) describes one sample. Record `next-sample` holds the id that the next sample gets: ids are never
//! given out twice, because a removed sample's colour stays in its layer until that is merged.

use std::collections::HashMap;
use std::sync::Arc;

use stroma_strata::Records;

use crate::abundance::LEVELS;
use crate::kmer::Geometry;
use crate::{Error, SampleInfo};

const RECORD_VERSION: u32 = 2;
const SAMPLE_PREFIX: &str = "sample/";

/// Name of the record of the settings.
pub(crate) const SETTINGS_RECORD: &str = "settings";
/// Name of the record of the next sample's id.
pub(crate) const NEXT_SAMPLE_RECORD: &str = "next-sample";

/// What was chosen when the index was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) geometry: Geometry,
    pub(crate) minimum_count: u32,
    /// Whether layers keep abundances.
    pub(crate) abundances: bool,
}

impl Settings {
    /// Colours of each sample in a layer.
    pub(crate) fn levels(&self) -> u32 {
        if self.abundances { LEVELS } else { 1 }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = RECORD_VERSION.to_le_bytes().to_vec();
        let geometry = self.geometry;
        bytes.extend([
            geometry.k(),
            geometry.minimizer_length(),
            geometry.partition_bits(),
            u8::from(self.abundances),
        ]);
        bytes.extend(self.minimum_count.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::open(SETTINGS_RECORD, bytes)?;
        let [k, minimizer_length, partition_bits, abundances] = fields.take()?;
        let geometry = Geometry::from_parts(k, minimizer_length, partition_bits)?;
        let minimum_count = fields.u32()?;
        let abundances = match abundances {
            0 => false,
            1 => true,
            _ => return Err(fields.damaged()),
        };
        fields.end()?;
        Ok(Settings { geometry, minimum_count, abundances })
    }
}

impl std::fmt::Display for Settings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (k, partitions) = (self.geometry.k(), self.geometry.partitions());
        let abundances = if self.abundances { "with" } else { "without" };
        write!(out, "k = {k}, {partitions} partitions, {abundances} abundances")
    }
}

/// A sample with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) id: u32,
    pub(crate) name: Arc<str>,
    pub(crate) info: SampleInfo,
}

impl Sample {
    pub(crate) fn record_name(id: u32) -> String {
        format!("{SAMPLE_PREFIX}{id:08x}")
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let info = &self.info;
        let mut bytes = RECORD_VERSION.to_le_bytes().to_vec();
        let SampleInfo { records, short_records, bases, kmers, distinct_kmers, indexed_kmers, .. } = *info;
        for number in [records, short_records, bases, kmers, distinct_kmers, indexed_kmers] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(info.minimum_count.to_le_bytes());
        bytes.extend((self.name.len() as u32).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes
    }

    fn from_record(record: &str, bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::DamagedRecord { record: record.to_owned() };
        let id = id_in(record).ok_or_else(damaged)?;
        let mut fields = Fields::open(record, bytes)?;
        let mut numbers = [0; 6];
        for number in &mut numbers {
            *number = fields.u64()?;
        }
        let [records, short_records, bases, kmers, distinct_kmers, indexed_kmers] = numbers;
        let minimum_count = fields.u32()?;
        let length = fields.u32()? as usize;
        let name = fields.rest(length)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| damaged())?;
        let info = SampleInfo {
            name: name.clone(),
            minimum_count,
            records,
            short_records,
            bases,
            kmers,
            distinct_kmers,
            indexed_kmers,
        };
        Ok(Sample { id, name: name.into(), info })
    }
}

fn id_in(record: &str) -> Option<u32> {
    let digits = record.strip_prefix(SAMPLE_PREFIX).filter(|digits| digits.len() == 8)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether there is a sample of this id; what a layer holds of others was removed.
pub(crate) fn is_live(records: &Records, id: u32) -> bool {
    records.get(&Sample::record_name(id)).is_some()
}

/// The samples of an index at one moment, ascending by id, which is their order of addition.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTable {
    samples: Vec<Arc<Sample>>,
    by_name: HashMap<Arc<str>, u32, std::hash::BuildHasherDefault<crate::hash::WordHasher>>,
}

impl SampleTable {
    pub(crate) fn from_records(records: &Records) -> Result<Self, Error> {
        let mut table = SampleTable::default();
        for (record, bytes) in records.iter().filter(|(record, _)| record.starts_with(SAMPLE_PREFIX)) {
            let sample = Sample::from_record(record, bytes)?;
            if table.id_of(&sample.name).is_some() {
                return Err(Error::DamagedRecord { record: record.to_owned() });
            }
            table.push(sample);
        }
        Ok(table)
    }

    /// Adds a sample whose id is larger than all others.
    pub(crate) fn push(&mut self, sample: Sample) {
        self.by_name.insert(sample.name.clone(), sample.id);
        self.samples.push(Arc::new(sample));
    }

    pub(crate) fn remove(&mut self, id: u32) {
        if let Some(rank) = self.rank_of(id) {
            let sample = self.samples.remove(rank);
            self.by_name.remove(&sample.name);
        }
    }

    pub(crate) fn id_of(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Position of a sample in [`samples`](Self::samples).
    pub(crate) fn rank_of(&self, id: u32) -> Option<usize> {
        self.samples.binary_search_by_key(&id, |sample| sample.id).ok()
    }

    pub(crate) fn samples(&self) -> &[Arc<Sample>] {
        &self.samples
    }
}

pub(crate) fn next_sample_to_bytes(id: u32) -> Vec<u8> {
    [RECORD_VERSION.to_le_bytes(), id.to_le_bytes()].concat()
}

pub(crate) fn next_sample_from_records(records: &Records) -> Result<u32, Error> {
    let Some(bytes) = records.get(NEXT_SAMPLE_RECORD) else { return Ok(0) };
    let mut fields = Fields::open(NEXT_SAMPLE_RECORD, bytes)?;
    let id = fields.u32()?;
    fields.end()?;
    Ok(id)
}

/// Numbers read one after another from a record.
struct Fields<'a> {
    record: &'a str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the version that each record begins with.
    fn open(record: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Fields { record, rest: bytes };
        match fields.u32()? {
            RECORD_VERSION => Ok(fields),
            found => Err(Error::NewerRecord { record: record.to_owned(), found }),
        }
    }

    fn damaged(&self) -> Error {
        Error::DamagedRecord { record: self.record.to_owned() }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.take().map(u64::from_le_bytes)
    }

    /// All that is left, which must be `length` bytes.
    fn rest(self, length: usize) -> Result<&'a [u8], Error> {
        if self.rest.len() == length { Ok(self.rest) } else { Err(self.damaged()) }
    }

    fn end(self) -> Result<(), Error> {
        self.rest(0).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(id: u32, name: &str) -> Sample {
        let info = SampleInfo {
            minimum_count: 2,
            name: name.to_owned(),
            records: 1,
            short_records: 0,
            bases: 2,
            kmers: 3,
            distinct_kmers: 4,
            indexed_kmers: u64::MAX,
        };
        Sample { id, name: name.into(), info }
    }

    #[test]
    fn records_come_back_and_damaged_ones_are_named() {
        let geometry = Geometry::new(21, 5).expect("valid");
        let settings = Settings { geometry, minimum_count: 7, abundances: true };
        let bytes = settings.to_bytes();
        assert_eq!(Settings::from_bytes(&bytes).expect("honest"), settings);
        for length in 0..bytes.len() {
            assert!(Settings::from_bytes(&bytes[..length]).is_err());
        }
        let written = sample(0x1_0003, "größe 2");
        let (record, bytes) = (Sample::record_name(written.id), written.to_bytes());
        assert_eq!(record, "sample/00010003");
        assert_eq!(Sample::from_record(&record, &bytes).expect("honest"), written);
        for length in 0..bytes.len() {
            assert!(Sample::from_record(&record, &bytes[..length]).is_err());
        }
        let mut newer = bytes.clone();
        newer[0] = 9;
        let error = Sample::from_record(&record, &newer).expect_err("newer");
        assert!(matches!(error, Error::NewerRecord { found: 9, .. }));
    }

    #[test]
    fn the_table_finds_by_name_and_id() {
        let records: Records = [(4, "d"), (2, "b"), (300, "x")]
            .map(|(id, name)| (Sample::record_name(id), sample(id, name).to_bytes()))
            .into_iter()
            .collect();
        let mut table = SampleTable::from_records(&records).expect("honest");
        assert!((0..400).filter(|&id| is_live(&records, id)).eq([2, 4, 300]));
        assert_eq!((table.id_of("x"), table.rank_of(300)), (Some(300), Some(2)));
        table.remove(4);
        assert_eq!((table.id_of("d"), table.rank_of(300)), (None, Some(1)));
    }
}
