//! Adding a sample: read, count, write one layer, commit it together with the sample's record.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::bulk::SampleSource;
use super::{Input, Progress, SampleInfo, SampleReport, SequenceIndex, Step};
use crate::Error;
use crate::count::{Keeping, SampleCounter};
use crate::layer::{SampleWriter, summary};
use crate::samples::{NEXT_SAMPLE_RECORD, Sample, SampleTable, Settings, next_sample_to_bytes};

/// Bases between two reports of progress.
const REPORT_BASES: u64 = 4 << 20;

const LONGEST_NAME: usize = 255;

impl SequenceIndex {
    /// Adds a sample made of all records of the inputs. No other sample is read again.
    ///
    /// Atomic: when this returns the sample is durable; after an error or a crash nothing of it is in the index.
    /// Then layers are merged, unless [background workers](Self::start_background) do that.
    ///
    /// Memory: what [`set_resources`](Self::set_resources) allows.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::DuplicateSample`], [`Error::Read`], [`Error::NoKmers`], and
    /// failures of the storage.
    pub fn add_sample(
        &self,
        name: &str,
        inputs: Vec<Input>,
        progress: &dyn Progress,
    ) -> Result<SampleReport, Error> {
        self.add_sample_counting(name, inputs, self.settings.minimum_count, progress)
    }

    /// Adds a sample as [`add_sample`](Self::add_sample) does, with a minimum count of its own: an index of genomes and
    /// of reads wants 1 for the ones, 2 or more for the others.
    ///
    /// # Errors
    /// As [`add_sample`](Self::add_sample); [`Error::UnsupportedMinimumCount`] for 0.
    pub fn add_sample_counting(
        &self,
        name: &str,
        inputs: Vec<Input>,
        minimum_count: u32,
        progress: &dyn Progress,
    ) -> Result<SampleReport, Error> {
        let info = self.add_unmerged(name, inputs.into(), minimum_count, 1, progress)?;
        let mut merge_failure = None;
        if !self.background.load(Ordering::Relaxed) {
            progress.report(Step::Merging);
            merge_failure = self.set.merge_until_idle().err().map(Error::from);
        }
        Ok(SampleReport { sample: info, merge_failure })
    }

    /// Adds a sample and leaves merging to the caller, who adds `beside` samples at the same time.
    pub(super) fn add_unmerged(
        &self,
        name: &str,
        source: SampleSource,
        minimum_count: u32,
        beside: usize,
        progress: &dyn Progress,
    ) -> Result<SampleInfo, Error> {
        check_name(name)?;
        if minimum_count == 0 {
            return Err(Error::UnsupportedMinimumCount);
        }
        let _reserved = Reservation::take(self, name)?;
        let mut info = SampleInfo { name: name.to_owned(), minimum_count, ..SampleInfo::default() };
        let adding = self.resources.begin_adding(beside);
        let waiting_bytes = adding.waiting_bytes;
        let geometry = self.settings.geometry;
        let counter = match source {
            SampleSource::Counts(files) => {
                let mut counter = SampleCounter::of_counts(geometry, waiting_bytes, &self.spills);
                self.import(&files, &mut info, &mut counter, progress)?;
                counter
            }
            sequences => {
                let mut counter = SampleCounter::new(geometry, waiting_bytes, &self.spills);
                self.count(sequences, &mut info, &mut counter, progress)?;
                counter
            }
        };
        progress.report(Step::Writing { kmers: info.kmers });
        self.commit_sample(&counter, &mut info)?;
        Ok(info)
    }

    fn count(
        &self,
        source: SampleSource,
        info: &mut SampleInfo,
        counter: &mut SampleCounter<'_>,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut longest = 0;
        let mut next_report = REPORT_BASES;
        let mut take = |sequence: &[u8], info: &mut SampleInfo| {
            let kmers = counter.add(sequence)?;
            info.records += 1;
            info.short_records += u64::from(kmers == 0);
            info.bases += sequence.len() as u64;
            longest = longest.max(sequence.len() as u64);
            if info.bases >= next_report {
                next_report = info.bases + REPORT_BASES;
                progress.report(Step::Counting { records: info.records, bases: info.bases });
            }
            Ok::<(), Error>(())
        };
        match source {
            SampleSource::Counts(_) => {}
            SampleSource::Record(sequence) => take(&sequence, info)?,
            SampleSource::Inputs(inputs) => {
                for input in inputs {
                    progress.report(Step::Opening { input: &input.name() });
                    for record in input.open()? {
                        take(&record?.sequence, info)?;
                    }
                }
            }
        }
        progress.report(Step::Counting { records: info.records, bases: info.bases });
        info.kmers = counter.kmers();
        if info.kmers == 0 {
            let (name, k) = (info.name.clone(), self.settings.geometry.k());
            return Err(Error::NoKmers { name, records: info.records, longest, k });
        }
        Ok(())
    }

    /// Writes the layer (none for a sample whose k-mers are all too rare) and commits it with the sample's record.
    fn commit_sample(&self, counter: &SampleCounter<'_>, info: &mut SampleInfo) -> Result<(), Error> {
        let Settings { geometry, abundances, .. } = self.settings;
        let keeping = Keeping { minimum_count: info.minimum_count, abundances };
        let mut writer = self.writer.lock();
        let id = writer.next_sample;
        let next = id.checked_add(1).ok_or(Error::TooManySamples)?;
        let mut edit = self.set.edit();
        let written = edit.write_layer(0, self.set.next_recency(), |layer| {
            let mut writer = SampleWriter::start(layer, geometry, abundances, id)?;
            info.distinct_kmers = counter.for_each_partition(keeping, &self.resources, |partition| {
                Ok(writer.partition(&partition)?)
            })?;
            let totals = writer.finish()?;
            info.indexed_kmers = totals.kmers;
            if totals.kmers == 0 { Err(NothingToIndex.into()) } else { Ok(summary(&totals)) }
        });
        match written {
            Err(stroma_strata::Error::Kind { source, .. }) if source.is::<NothingToIndex>() => {}
            Err(stroma_strata::Error::Kind { source, action, place }) => {
                return Err(match source.downcast::<Error>() {
                    Ok(own) => *own,
                    Err(source) => stroma_strata::Error::Kind { source, action, place }.into(),
                });
            }
            written => drop(written?),
        }
        let sample = Sample { id, name: info.name.as_str().into(), info: info.clone() };
        edit.put_record(Sample::record_name(id), sample.to_bytes());
        edit.put_record(NEXT_SAMPLE_RECORD, next_sample_to_bytes(next));
        edit.commit()?;
        writer.next_sample = next;
        self.push_sample(sample);
        Ok(())
    }

    /// Adds a sample to the table, for who holds the writer. The table is copied only while a search or a check holds
    /// it, as all samples' names for each new one would add up; and no search waits for the copy.
    fn push_sample(&self, sample: Sample) {
        if let Some(table) = Arc::get_mut(&mut *self.samples.write()) {
            return table.push(sample);
        }
        let held = Arc::clone(&self.samples.read());
        let mut table = SampleTable::clone(&held);
        table.push(sample);
        *self.samples.write() = Arc::new(table);
    }
}

/// Every k-mer of a sample is too rare, so that its layer would be empty and is not kept.
#[derive(Debug, thiserror::Error)]
#[error("no k-mer occurs often enough")]
struct NothingToIndex;

/// Keeps a name to whoever counts a sample of that name.
pub(super) struct Reservation<'a> {
    index: &'a SequenceIndex,
    name: String,
}

impl<'a> Reservation<'a> {
    pub(super) fn take(index: &'a SequenceIndex, name: &str) -> Result<Self, Error> {
        let name = name.to_owned();
        // The reservation comes first: who holds it is the only one who can add the name to the samples.
        if !index.pending.lock().insert(name.clone()) {
            return Err(Error::DuplicateSample { name });
        }
        let reserved = Reservation { index, name };
        if index.samples.read().id_of(&reserved.name).is_some() {
            return Err(Error::DuplicateSample { name: reserved.name.clone() });
        }
        Ok(reserved)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.index.pending.lock().remove(&self.name);
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let rule = if name.is_empty() {
        "a name needs at least one character"
    } else if name.len() > LONGEST_NAME {
        "a name has at most 255 bytes"
    } else if name.chars().any(char::is_control) {
        "a name has no control characters, such as tabs and line breaks"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName { name: name.to_owned(), rule })
}
