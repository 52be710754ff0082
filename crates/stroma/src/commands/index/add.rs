//! `stroma index add`: samples of one file, of a table, of many files or records, each added wholly or not at all.

use std::path::Path;
use std::sync::Arc;

use stromatolite::sequence::reader::{Format, RecordReader, sample_name};
use stromatolite::sequence::{BuildResources, IndexOptions, Input, NewSample, Progress, SequenceIndex, Step};
use stromatolite::{Error, Stromatolite};

use super::{Sample, read_manifest};
use crate::arguments::{Adding, IndexAdd, Resources, SequenceFormat};
use crate::commands::run::{open_or_create, processors};
use crate::failure::{Failure, Result};
use crate::output::{Stage, bytes, count};

/// Samples as they are taken, and how many they are where that is known.
pub(super) struct Samples {
    pub(super) samples: Box<dyn Iterator<Item = SampleResult> + Send>,
    /// Their names, where these are known before they are read.
    pub(super) names: Option<Vec<String>>,
}

pub(super) type SampleResult = std::result::Result<NewSample, stromatolite::sequence::Error>;

pub(super) fn run(arguments: &IndexAdd) -> Result<()> {
    let samples = samples(arguments)?;
    let database = open_or_create(&arguments.data)?;
    let target = Target::open(&database, &arguments.index, arguments.k, &arguments.adding)?;
    target.fill(&database, &arguments.resources, |index| {
        add_all(index, &arguments.index, samples, arguments.adding.skip_existing)
    })
}

/// The index that samples are added to.
pub(super) struct Target {
    name: String,
    index: Arc<SequenceIndex>,
    is_new: bool,
}

impl Target {
    /// Opens the index, or makes it; what is asked for must fit what it is.
    pub(super) fn open(
        database: &Stromatolite,
        name: &str,
        k: Option<u8>,
        adding: &Adding,
    ) -> Result<Target> {
        let mut options = IndexOptions::default();
        options.k = k.unwrap_or(options.k);
        options.minimum_count = adding.minimum_count.unwrap_or(options.minimum_count);
        options.abundances = adding.abundances;
        let target = Target::open_or_create(database, name, options)?;
        let held = target.index.geometry().k();
        let refused = |what: String| {
            Err(Failure::Usage { what, hint: "leave the option out, or make another index".into() })
        };
        match k {
            Some(k) if k != held => refused(format!("the index `{name}` has k = {held}, not {k}")),
            _ if adding.abundances && !target.index.keeps_abundances() => {
                refused(format!("the index `{name}` keeps no abundances"))
            }
            _ => Ok(target),
        }
    }

    /// Opens the index, or makes one with these options.
    pub(super) fn open_or_create(
        database: &Stromatolite,
        name: &str,
        options: IndexOptions,
    ) -> Result<Target> {
        let (index, is_new) = match database.sequence_index(name) {
            Err(Error::UnknownIndex { .. }) => (database.create_sequence_index(name, options)?, true),
            opened => (opened?, false),
        };
        Ok(Target { name: name.to_owned(), index, is_new })
    }

    /// Lets `fill` add samples, with what it may take.
    pub(super) fn fill(
        self,
        database: &Stromatolite,
        resources: &Resources,
        fill: impl FnOnce(&SequenceIndex) -> Result<()>,
    ) -> Result<()> {
        set_resources(&self.index, resources);
        let outcome = fill(&self.index);
        if outcome.is_err() && self.is_new && self.index.samples().is_empty() {
            // Nothing was there before and nothing came: the next try may choose other settings.
            drop(self.index);
            database.remove_sequence_index(&self.name)?;
        }
        outcome
    }
}

/// The samples that the words of the command name.
fn samples(arguments: &IndexAdd) -> Result<Samples> {
    let format = arguments.format;
    let minimum_count = arguments.adding.minimum_count;
    let with_minimum = move |sample| with_minimum(sample, minimum_count);
    if arguments.each_record {
        let files = arguments.files.clone().into_iter();
        let records = files.flat_map(move |file| match open(&file, format) {
            Ok(reader) => Box::new(NewSample::from_records(reader)) as Box<dyn Iterator<Item = _> + Send>,
            Err(error) => Box::new(std::iter::once(Err(error.into()))),
        });
        let samples = records.map(move |sample| sample.map(with_minimum));
        return Ok(Samples { samples: Box::new(samples), names: None });
    }
    let named = match (&arguments.samples, &arguments.sample) {
        (Some(table), _) => read_manifest(table)?,
        (None, Some(name)) => vec![Sample { name: name.clone(), files: arguments.files.clone() }],
        (None, None) => arguments
            .files
            .iter()
            .map(|file| Sample { name: sample_name(file), files: vec![file.clone()] })
            .collect(),
    };
    let names = named.iter().map(|sample| sample.name.clone()).collect();
    let samples = named.into_iter().map(move |sample| Ok(with_minimum(new_sample(&sample, format))));
    Ok(Samples { samples: Box::new(samples), names: Some(names) })
}

/// The sample with a minimum count of its own, if one is asked for.
pub(super) fn with_minimum(sample: NewSample, minimum_count: Option<u32>) -> NewSample {
    match minimum_count {
        Some(minimum_count) => sample.with_minimum_count(minimum_count),
        None => sample,
    }
}

fn new_sample(sample: &Sample, format: Option<SequenceFormat>) -> NewSample {
    let inputs = sample.files.iter().map(|file| input(file, format)).collect();
    NewSample::new(&sample.name, inputs)
}

/// The samples that the index does not hold yet.
pub(crate) fn missing_samples(index: &SequenceIndex, samples: Vec<Sample>) -> Vec<Sample> {
    samples.into_iter().filter(|sample| index.sample(&sample.name).is_none()).collect()
}

/// Adds samples that were read from a table.
pub(crate) fn add_samples(
    index: &SequenceIndex,
    name: &str,
    samples: &[Sample],
    minimum_count: Option<u32>,
) -> Result<()> {
    let minimum_count = minimum_count.unwrap_or_else(|| index.minimum_count());
    let names = samples.iter().map(|sample| sample.name.clone()).collect();
    let samples: Vec<SampleResult> =
        samples.iter().map(|sample| Ok(new_sample(sample, None).with_minimum_count(minimum_count))).collect();
    add_all(index, name, Samples { samples: Box::new(samples.into_iter()), names: Some(names) }, false)
}

/// Adds samples to an index, with a bar.
pub(super) fn add_all(
    index: &SequenceIndex,
    name: &str,
    samples: Samples,
    skip_existing: bool,
) -> Result<()> {
    let held = |sample: &&String| index.sample(sample).is_some();
    if let Some(name) = samples.names.iter().flatten().find(held).filter(|_| !skip_existing) {
        return Err(Error::from(stromatolite::sequence::Error::DuplicateSample { name: name.clone() }).into());
    }
    let count_of = |names: &Vec<String>| names.len() as u64;
    let stage = Stage::begin(format!("sequences → {name}"), samples.names.as_ref().map(count_of));
    let outcome = index.add_samples(samples.samples, skip_existing, &BulkProgress { stage: &stage });
    let report = outcome.map_err(|error| {
        let source = stromatolite::Error::from(*error.source);
        match error.sample {
            Some(sample) => Failure::Sample { sample, added: error.report.added, source: Box::new(source) },
            None => source.into(),
        }
    })?;
    if let Some(failure) = report.merge_failure {
        stage.warn(&format!("the samples were added, but layers were not merged: {failure}"));
    }
    warn_if_left_hot(index, &stage);
    stage.end(&format!("{} samples, {} k-mers", count(report.added as u64), count(report.indexed_kmers)));
    Ok(())
}

/// Lets an index take what the command line allows.
pub(crate) fn set_resources(index: &SequenceIndex, resources: &Resources) {
    let threads = resources.threads.unwrap_or_else(processors);
    index.set_resources(BuildResources { threads, memory_bytes: resources.memory });
    index.set_cold_layers(resources.cold.into());
}

/// Says that a layer takes more space than it could, and what would help; if so.
pub(crate) fn warn_if_left_hot(index: &SequenceIndex, stage: &Stage) {
    let Some(left_hot) = index.statistics().left_hot else { return };
    stage.warn(&format!(
        "the k-mers were not made into strings, which would take a third of the space: that needs about {}, and \
         --memory allows {}",
        bytes(left_hot.needed_bytes),
        bytes(left_hot.allowed_bytes)
    ));
}

/// Shows what is being done beside the bar, which advances with each sample.
struct BulkProgress<'a> {
    stage: &'a Stage,
}

impl Progress for BulkProgress<'_> {
    fn report(&self, step: Step<'_>) {
        self.stage.say(match step {
            Step::Opening { input } => input.to_owned(),
            Step::Counting { records, bases } => {
                format!("{} records, {:.1} Mbp read", count(records), bases as f64 / 1e6)
            }
            Step::Importing { kmers } => format!("{} k-mers read", count(kmers)),
            Step::Writing { kmers } => format!("sorting {} k-mers", count(kmers)),
            Step::Merging => "merging layers".to_owned(),
            Step::Added { sample } => {
                self.stage.advance(1);
                format!("{}: {} k-mers", sample.name, count(sample.indexed_kmers))
            }
            _ => return,
        });
    }
}

fn input(file: &Path, format: Option<SequenceFormat>) -> Input {
    let input = if file.as_os_str() == "-" {
        Input::stream("standard input", std::io::stdin())
    } else {
        Input::path(file)
    };
    match format.map(format_of) {
        Some(format) => input.expecting(format),
        None => input,
    }
}

fn open(
    file: &Path,
    format: Option<SequenceFormat>,
) -> std::result::Result<RecordReader, stromatolite::sequence::reader::ReadError> {
    input(file, format).open()
}

fn format_of(format: SequenceFormat) -> Format {
    match format {
        SequenceFormat::Fasta => Format::Fasta,
        SequenceFormat::Fastq => Format::Fastq,
    }
}
