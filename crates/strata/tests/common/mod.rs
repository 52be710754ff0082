//! A toy kind of layer for the tests: sorted sets of numbers, with tombstones so that recency matters.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stroma_strata::storage::{Blob, Storage};
use stroma_strata::{
    Error, KindError, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, LayeredSet,
    MergeJob, MergePolicy, SetOptions, Version,
};
use stroma_strata::{picker::Limits, runtime::ManualClock};

/// What a layer says of numbers: there (true) or removed (false).
pub(crate) type Numbers = BTreeMap<u64, bool>;

/// The kind: 9 bytes an entry, a sum of all bytes at the end as checksum.
#[derive(Debug, Default)]
pub(crate) struct NumbersKind {
    /// Makes merges fail.
    pub(crate) broken: Arc<AtomicBool>,
    /// Makes merges panic.
    pub(crate) panicking: Arc<AtomicBool>,
    /// How often it was asked to merge: once for each piece.
    pub(crate) pieces: Arc<AtomicUsize>,
}

impl LayerKind for NumbersKind {
    type Layer = Numbers;

    fn name(&self) -> &'static str {
        "numbers"
    }

    fn open(&self, blob: Arc<dyn Blob>, _: &LayerDescriptor) -> Result<Numbers, KindError> {
        let bytes = blob.read_all()?;
        let (entries, sum) = bytes.split_last_chunk::<8>().ok_or("too short")?;
        if u64::from_le_bytes(*sum) != checksum(entries) {
            return Err("the checksum does not match".into());
        }
        let decode = |entry: &[u8]| (u64::from_be_bytes(entry[..8].try_into().unwrap()), entry[8] == 1);
        Ok(entries.chunks_exact(9).map(decode).collect())
    }

    fn merge(&self, job: &MergeJob<'_, Self>, output: &mut LayerOutput<'_>) -> Result<(), KindError> {
        assert!(!self.panicking.load(Ordering::SeqCst), "asked to panic");
        self.pieces.fetch_add(1, Ordering::SeqCst);
        if self.broken.load(Ordering::SeqCst) {
            return Err("asked to fail".into());
        }
        let mut merged = Numbers::new();
        for input in job.inputs().iter().rev() {
            merged.extend(input.layer());
            job.note_read(input.descriptor().bytes);
        }
        if job.is_bottom() {
            merged.retain(|_, present| *present);
        }
        let (start, end) = job.range();
        let key = |number: &u64| number.to_be_bytes();
        merged.retain(|number, _| {
            start.is_none_or(|start| start <= &key(number)[..])
                && end.is_none_or(|end| &key(number)[..] < end)
        });
        let per_layer = (output.table_bytes() / 9).max(1) as usize;
        let entries: Vec<(u64, bool)> = merged.into_iter().collect();
        for chunk in entries.chunks(per_layer) {
            let mut writer = output.start()?;
            let summary = write(&mut writer, &chunk.iter().copied().collect())?;
            writer.finish(summary)?;
        }
        Ok(())
    }

    fn merges_ranges(&self) -> bool {
        true
    }

    fn verify(&self, _: &Numbers) -> Result<(), KindError> {
        Ok(())
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(17, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

/// Writes a layer.
pub(crate) fn write(writer: &mut LayerWriter, numbers: &Numbers) -> Result<LayerSummary, KindError> {
    let mut bytes = Vec::new();
    for (number, present) in numbers {
        bytes.extend(number.to_be_bytes());
        bytes.push(u8::from(*present));
    }
    let sum = checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    writer.write_all(&bytes)?;
    let key =
        |number: Option<(&u64, _)>| number.map_or(Vec::new(), |(number, _)| number.to_be_bytes().to_vec());
    Ok(LayerSummary {
        smallest: key(numbers.first_key_value()),
        largest: key(numbers.last_key_value()),
        entries: numbers.len() as u64,
        deletes: numbers.values().filter(|present| !**present).count() as u64,
        ..LayerSummary::default()
    })
}

pub(crate) type Set = LayeredSet<NumbersKind>;

/// Seals a layer with these numbers, and a record that counts the seals.
pub(crate) fn seal(set: &Set, numbers: &Numbers, count: u64) -> Result<u64, Error> {
    let recency = set.next_recency();
    let mut edit = set.edit();
    let id = edit.write_layer(0, recency, |writer| write(writer, numbers))?;
    edit.put_record("count", count.to_le_bytes());
    edit.commit()?;
    Ok(id)
}

/// Seals a layer that adds these numbers.
pub(crate) fn add(set: &Set, numbers: impl IntoIterator<Item = u64>, count: u64) -> Result<u64, Error> {
    seal(set, &numbers.into_iter().map(|number| (number, true)).collect(), count)
}

/// What a version shows: for each number the newest layer that speaks of it is right.
pub(crate) fn contents(version: &Version<NumbersKind>) -> Vec<u64> {
    let mut merged = Numbers::new();
    for layer in version.layers() {
        for (number, present) in layer.layer() {
            merged.entry(*number).or_insert(*present);
        }
    }
    merged.into_iter().filter(|(_, present)| *present).map(|(number, _)| number).collect()
}

/// How many seals a version shows.
pub(crate) fn count(version: &Version<NumbersKind>) -> u64 {
    version.record("count").map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}

/// What readers rely on: runs do not overlap inside, and are found by key.
pub(crate) fn check_version(version: &Version<NumbersKind>) {
    for run in version.runs() {
        for pair in run.windows(2) {
            assert!(pair[0].descriptor().largest < pair[1].descriptor().smallest, "{run:?}");
        }
        for layer in run.iter() {
            let found = run.find(&layer.descriptor().smallest).unwrap();
            assert_eq!(found.descriptor().id, layer.descriptor().id);
        }
    }
}

/// Small sizes, so that a few numbers make several levels.
pub(crate) fn levelled() -> MergePolicy {
    MergePolicy::TieredThenLevelled(Limits {
        level0_runs: 2,
        level1_bytes: 200,
        multiplier: 2,
        deepest_level: 4,
        table_bytes: 60,
    })
}

pub(crate) fn options(policy: MergePolicy) -> SetOptions {
    SetOptions { policy, clock: Arc::new(ManualClock::new()), ..SetOptions::default() }
}

pub(crate) fn open(storage: &(impl Storage + Clone), policy: MergePolicy) -> Result<Set, Error> {
    LayeredSet::open(Arc::new(storage.clone()), NumbersKind::default(), options(policy)).map(|(set, _)| set)
}
