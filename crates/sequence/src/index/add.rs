//! Adding a sample: read, count, write one layer, commit it together with the sample's record.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Input, Progress, SampleInfo, SampleReport, SequenceIndex, Step};
use crate::Error;
use crate::count::SampleCounter;
use crate::layer::{summary, write_sample};
use crate::samples::{NEXT_SAMPLE_RECORD, Sample, Settings, next_sample_to_bytes};

/// Bases between two reports of progress.
const REPORT_BASES: u64 = 4 << 20;

const LONGEST_NAME: usize = 255;

impl SequenceIndex {
    /// Adds a sample made of all records of the inputs. No other sample is read again.
    ///
    /// Atomic: when this returns the sample is durable; after an error or a crash nothing of it is in the index.
    /// Then layers are merged, unless [background workers](Self::start_background) do that.
    ///
    /// Memory: the counts of all k-mers of the sample.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::DuplicateSample`], [`Error::Read`], and failures of the storage.
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
        check_name(name)?;
        if minimum_count == 0 {
            return Err(Error::UnsupportedMinimumCount);
        }
        let _reserved = Reservation::take(self, name)?;
        let mut info = SampleInfo { name: name.to_owned(), minimum_count, ..SampleInfo::default() };
        let counter = self.count(inputs, &mut info, progress)?;
        progress.report(Step::Writing { kmers: info.indexed_kmers });
        self.commit_sample(counter, &info)?;
        let mut merge_failure = None;
        if !self.background.load(Ordering::Relaxed) {
            progress.report(Step::Merging);
            merge_failure = self.set.merge_until_idle().err().map(Error::from);
        }
        Ok(SampleReport { sample: info, merge_failure })
    }

    fn count(
        &self,
        inputs: Vec<Input>,
        info: &mut SampleInfo,
        progress: &dyn Progress,
    ) -> Result<SampleCounter, Error> {
        let mut counter = SampleCounter::new(self.settings.geometry)?;
        let mut next_report = REPORT_BASES;
        for input in inputs {
            progress.report(Step::Opening { input: &input.name() });
            for record in input.open()? {
                let record = record?;
                counter.add(&record.sequence)?;
                info.records += 1;
                info.bases += record.sequence.len() as u64;
                if info.bases >= next_report {
                    next_report = info.bases + REPORT_BASES;
                    progress.report(Step::Counting { records: info.records, bases: info.bases });
                }
            }
        }
        counter.finish()?;
        progress.report(Step::Counting { records: info.records, bases: info.bases });
        info.kmers = counter.kmers();
        info.distinct_kmers = counter.distinct();
        info.indexed_kmers = counter.frequent(info.minimum_count);
        Ok(counter)
    }

    /// Writes the layer (none for a sample without k-mers) and commits it with the sample's record.
    fn commit_sample(&self, counter: SampleCounter, info: &SampleInfo) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        let id = writer.next_sample;
        let next = id.checked_add(1).ok_or(Error::TooManySamples)?;
        let sample = Sample { id, name: info.name.as_str().into(), info: info.clone() };
        let mut edit = self.set.edit();
        if info.indexed_kmers > 0 {
            let Settings { geometry, .. } = self.settings;
            edit.write_layer(0, self.set.next_recency(), |layer| {
                let totals = write_sample(layer, geometry, id, counter.into_partitions(info.minimum_count))?;
                Ok(summary(&totals))
            })?;
        }
        edit.put_record(Sample::record_name(id), sample.to_bytes());
        edit.put_record(NEXT_SAMPLE_RECORD, next_sample_to_bytes(next));
        edit.commit()?;
        writer.next_sample = next;
        let mut table = self.samples.read().as_ref().clone();
        table.push(sample);
        *self.samples.write() = Arc::new(table);
        Ok(())
    }
}

/// Keeps a name to whoever counts a sample of that name.
struct Reservation<'a> {
    index: &'a SequenceIndex,
    name: String,
}

impl<'a> Reservation<'a> {
    fn take(index: &'a SequenceIndex, name: &str) -> Result<Self, Error> {
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
