//! Taking over the samples of another index: how shards that were built apart become one index.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stroma_strata::Version;

use super::add::Reservation;
use super::{BulkReport, Progress, SequenceIndex, Step};
use crate::Error;
use crate::layer::{KmerLayerKind, LayerError, copy_renumbered, summary};
use crate::samples::{NEXT_SAMPLE_RECORD, Sample, SampleTable, next_sample_to_bytes};

/// What a tier has when it is merged into the next.
const FANOUT: usize = 4;

impl SequenceIndex {
    /// Adds all samples of another index, as it is now, at once: when this returns they are durable, after an error
    /// or a crash none of them is in this index. The other index, which must have the same k, partitions and
    /// abundances, stays as it is. Its layers are verified and copied, not counted again; call
    /// [`merge_added`](Self::merge_added) after the last index.
    ///
    /// With `skip_existing`, samples of names that are there already are passed over, so that a merge of many
    /// indexes that failed can be begun again. Time and bytes written: those of copying the layers. Memory: a
    /// partition.
    ///
    /// # Errors [`Error::OtherSettings`], [`Error::DuplicateSample`], damage to a layer of the other index, and
    /// failures of the storage.
    pub fn add_index(
        &self,
        other: &SequenceIndex,
        skip_existing: bool,
        progress: &dyn Progress,
    ) -> Result<BulkReport, Error> {
        let place = other.storage.describe("");
        if self.settings.geometry != other.settings.geometry
            || self.settings.abundances != other.settings.abundances
        {
            return Err(Error::OtherSettings {
                place,
                found: other.settings.to_string(),
                expected: self.settings.to_string(),
            });
        }
        progress.report(Step::Opening { input: &place });
        let version = other.set.current();
        let theirs = SampleTable::from_records(version.records())?;
        let mut report = BulkReport::default();
        let mut reserved = Vec::new();
        let mut taken = BTreeMap::new();
        for sample in theirs.samples() {
            match Reservation::take(self, &sample.name) {
                Ok(reservation) => {
                    reserved.push(reservation);
                    taken.insert(sample.id, &**sample);
                }
                Err(Error::DuplicateSample { .. }) if skip_existing => report.skipped += 1,
                Err(error) => return Err(error),
            }
        }
        if taken.is_empty() {
            return Ok(report);
        }
        report.added = taken.len();
        report.indexed_kmers = taken.values().map(|sample| sample.info.indexed_kmers).sum();
        self.commit_copy(other, &version, &taken)?;
        taken.values().for_each(|sample| progress.report(Step::Added { sample: &sample.info }));
        Ok(report)
    }

    /// Copies the layers that hold the samples in `taken`, and commits them with the samples' records.
    fn commit_copy(
        &self,
        other: &SequenceIndex,
        version: &Version<KmerLayerKind>,
        taken: &BTreeMap<u32, &Sample>,
    ) -> Result<(), Error> {
        let holds_taken = |samples: &[u32]| samples.iter().any(|id| taken.contains_key(id));
        let layers: Vec<_> = version.layers().filter(|layer| holds_taken(layer.layer().samples())).collect();
        // What lies in these layers of other samples gets ids as well, which no record names: as if removed.
        let held = layers.iter().flat_map(|layer| layer.layer().samples().iter().copied());
        let ids: BTreeSet<u32> = held.chain(taken.keys().copied()).collect();
        let mut writer = self.writer.lock();
        let first = writer.next_sample;
        let count = u32::try_from(ids.len()).map_err(|_| Error::TooManySamples)?;
        let next = first.checked_add(count).ok_or(Error::TooManySamples)?;
        let renumbered: BTreeMap<u32, u32> = ids.into_iter().zip(first..next).collect();
        let mut edit = self.set.edit();
        for layer in layers {
            layer.layer().verify()?;
            let samples: Vec<u32> = layer.layer().samples().iter().map(|id| renumbered[id]).collect();
            let blob = other.storage.open(&layer.descriptor().blob_name()).map_err(LayerError::from)?;
            edit.write_layer(0, self.set.next_recency(), |writer| {
                Ok(summary(&copy_renumbered(&*blob, &samples, writer)?))
            })?;
        }
        let mut table = self.samples.read().as_ref().clone();
        for (id, sample) in taken {
            let sample = Sample { id: renumbered[id], ..(*sample).clone() };
            edit.put_record(Sample::record_name(sample.id), sample.to_bytes());
            table.push(sample);
        }
        edit.put_record(NEXT_SAMPLE_RECORD, next_sample_to_bytes(next));
        edit.commit()?;
        writer.next_sample = next;
        *self.samples.write() = Arc::new(table);
        Ok(())
    }

    /// Merges the layers that were added last, all at once and as deep as their samples are many, unless
    /// [workers](Self::start_background) merge.
    ///
    /// # Errors
    /// Damage to a layer, and failures of the storage; the index stays as it was.
    pub fn merge_added(&self) -> Result<(), Error> {
        if self.background.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(());
        }
        let version = self.set.current();
        let fresh = version.layers().filter(|layer| layer.descriptor().level == 0);
        let samples: usize = fresh.map(|layer| layer.layer().samples().len()).sum();
        self.merge_fresh(samples.checked_ilog(FANOUT).unwrap_or(0))
    }

    /// Merges all layers above this level into one of it; fewer at once if so many do not fit the memory.
    pub(super) fn merge_fresh(&self, level: u32) -> Result<(), Error> {
        match self.set.merge_into_level(level) {
            Err(error) if is_for_want_of_memory(&error) => {}
            outcome => drop(outcome?),
        }
        self.set.merge_until_idle()?;
        Ok(())
    }
}

fn is_for_want_of_memory(error: &stroma_strata::Error) -> bool {
    let stroma_strata::Error::Kind { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(LayerError::Memory { .. }))
}
