//! Adding many samples: several at a time, each wholly or not at all, their layers merged many at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::{BulkReport, Input, Progress, SampleInfo, SequenceIndex, Step};
use crate::Error;
use crate::parallel;
use crate::reader::RecordReader;

/// So many fresh layers are merged at once. Each k-mer is then rewritten once for 64 samples, not three times as with
/// tiers of four.
const MERGED_AT_ONCE: usize = 64;

/// What a tier has when it is merged into the next, in the layered set's usual options.
const FANOUT: usize = 4;

/// A sample to be added, with where its sequences come from.
#[derive(Debug)]
pub struct NewSample {
    name: String,
    source: SampleSource,
    minimum_count: Option<u32>,
}

/// Where the sequences of a sample come from.
#[derive(Debug)]
pub(super) enum SampleSource {
    /// All records of these inputs.
    Inputs(Vec<Input>),
    /// One record that was read already.
    Record(Vec<u8>),
    /// Files of k-mers that another program has counted.
    Counts(Vec<PathBuf>),
}

impl From<Vec<Input>> for SampleSource {
    fn from(inputs: Vec<Input>) -> Self {
        SampleSource::Inputs(inputs)
    }
}

impl NewSample {
    /// A sample of all records of the inputs.
    pub fn new(name: impl Into<String>, inputs: Vec<Input>) -> Self {
        NewSample { name: name.into(), source: inputs.into(), minimum_count: None }
    }

    /// The records of a file or stream, each a sample of its name. They are read as samples are taken.
    pub fn from_records(reader: RecordReader) -> impl Iterator<Item = Result<NewSample, Error>> + Send {
        reader.map(|record| {
            let record = record?;
            let source = SampleSource::Record(record.sequence);
            Ok(NewSample { name: record.name, source, minimum_count: None })
        })
    }

    /// A sample of k-mers that KMC or Squeakr has counted, as [`CountedKmers::open`](crate::import::CountedKmers::open)
    /// opens them; the counts of a k-mer that is in several files are added up. What the program left out for being
    /// rare is not in the sample either, whatever the minimum count.
    pub fn from_counts(name: impl Into<String>, files: Vec<PathBuf>) -> Self {
        NewSample { name: name.into(), source: SampleSource::Counts(files), minimum_count: None }
    }

    /// The same sample with a minimum count of its own instead of the index's.
    #[must_use]
    pub fn with_minimum_count(self, minimum_count: u32) -> Self {
        NewSample { minimum_count: Some(minimum_count), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Why the addition of many samples ended before its end. Samples added before stay.
#[derive(Debug, thiserror::Error)]
#[error("{}{source}", sample.as_ref().map_or_else(String::new, |sample| format!("{sample:?} was not added: ")))]
pub struct BulkError {
    /// The sample that could not be added; none where the samples themselves could not be read.
    pub sample: Option<String>,
    /// What came of those before.
    pub report: Box<BulkReport>,
    /// What went wrong.
    pub source: Box<Error>,
}

/// What the threads that add samples share.
struct Bulk<'a, I> {
    index: &'a SequenceIndex,
    samples: Mutex<I>,
    skip_existing: bool,
    report: Mutex<BulkReport>,
    failed: AtomicBool,
    progress: &'a dyn Progress,
    /// How many samples are added at the same time.
    threads: usize,
}

/// A sample that could not be added, and why.
type Failed = (Option<String>, Box<Error>);

impl SequenceIndex {
    /// Adds many samples, as many at a time as there are [threads](Self::set_resources). Each is durable when it is
    /// reported as [`Step::Added`], and a crash or an error loses only those that were not: call again with
    /// `skip_existing`, and those that are there are passed over without being read.
    ///
    /// Their layers are merged 64 at a time and at the end, unless [workers](Self::start_background) merge.
    ///
    /// # Errors
    /// [`BulkError`] with the first failure; samples under way at that time are still added.
    pub fn add_samples<I>(
        &self,
        samples: I,
        skip_existing: bool,
        progress: &dyn Progress,
    ) -> Result<BulkReport, BulkError>
    where
        I: Iterator<Item = Result<NewSample, Error>> + Send,
    {
        let threads = self.resources.threads().max(1);
        let bulk = Bulk {
            index: self,
            samples: Mutex::new(samples),
            skip_existing,
            report: Mutex::default(),
            failed: AtomicBool::new(false),
            progress,
            threads,
        };
        let outcome = parallel::in_order(threads, threads as u32, |_| bulk.add_all(), |_, ()| Ok(()));
        bulk.merge(1);
        let report = bulk.report.into_inner();
        match outcome {
            Ok(()) => Ok(report),
            Err((sample, error)) => Err(BulkError { sample, report: Box::new(report), source: error }),
        }
    }
}

impl<I: Iterator<Item = Result<NewSample, Error>> + Send> Bulk<'_, I> {
    /// Adds samples until there are no more, or one failed.
    fn add_all(&self) -> Result<(), Failed> {
        while !self.failed.load(Ordering::Relaxed) {
            let Some(sample) = self.samples.lock().next() else { break };
            let outcome = sample.map_err(|error| (None, Box::new(error))).and_then(|sample| {
                let name = sample.name.clone();
                self.add(sample).map_err(|error| (Some(name), Box::new(error)))
            });
            if outcome.is_err() {
                self.failed.store(true, Ordering::Relaxed);
                return outcome;
            }
            self.merge(MERGED_AT_ONCE);
        }
        Ok(())
    }

    fn add(&self, sample: NewSample) -> Result<(), Error> {
        let NewSample { name, source, minimum_count } = sample;
        if self.skip_existing && self.index.sample(&name).is_some() {
            self.report.lock().skipped += 1;
            return Ok(());
        }
        let minimum_count = minimum_count.unwrap_or(self.index.settings.minimum_count);
        let info: SampleInfo =
            self.index.add_unmerged(&name, source, minimum_count, self.threads, self.progress)?;
        let mut report = self.report.lock();
        report.added += 1;
        report.indexed_kmers += info.indexed_kmers;
        drop(report);
        self.progress.report(Step::Added { sample: &info });
        Ok(())
    }

    /// Merges the fresh layers if there are at least so many, and nobody else does.
    fn merge(&self, at_least: usize) {
        let index = self.index;
        let fresh = |index: &SequenceIndex| {
            let version = index.set.current();
            version.layers().filter(|layer| layer.descriptor().level == 0).count()
        };
        if index.background.load(Ordering::Relaxed) || fresh(index) < at_least.max(FANOUT) {
            return;
        }
        let Some(_merging) = index.bulk_merge.try_lock() else { return };
        let layers = fresh(index);
        if layers < FANOUT {
            return;
        }
        self.progress.report(Step::Merging);
        if let Err(error) = index.merge_fresh(layers.ilog(FANOUT)) {
            self.report.lock().merge_failure = Some(error);
        }
    }
}
