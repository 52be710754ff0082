//! `stroma index add`: one sample, or a table of them, each added wholly or not at all.

use std::path::Path;
use std::sync::Arc;

use stromatolite::sequence::{IndexOptions, Input, Progress, SequenceIndex, Step};
use stromatolite::{Error, Stromatolite};

use super::{Sample, read_manifest};
use crate::arguments::IndexAdd;
use crate::commands::run::open_or_create;
use crate::failure::{Failure, Result};
use crate::output::{Stage, count};

pub(super) fn run(arguments: &IndexAdd) -> Result<()> {
    let samples = match (&arguments.samples, &arguments.sample) {
        (Some(table), _) => read_manifest(table)?,
        (None, Some(name)) => vec![Sample { name: name.clone(), files: arguments.files.clone() }],
        (None, None) => Vec::new(),
    };
    let database = open_or_create(&arguments.data)?;
    let (index, is_new) = open_index(&database, arguments)?;
    if !arguments.skip_existing
        && let Some(held) = samples.iter().find(|sample| index.sample(&sample.name).is_some())
    {
        let name = held.name.clone();
        return Err(Error::from(stromatolite::sequence::Error::DuplicateSample { name }).into());
    }
    let missing = missing_samples(&index, samples);
    let outcome = add_samples(&index, &arguments.index, &missing, arguments.minimum_count);
    if outcome.is_err() && is_new && index.samples().is_empty() {
        // Nothing was there before and nothing came: the next try may choose other settings.
        drop(index);
        database.remove_sequence_index(&arguments.index)?;
    }
    outcome
}

/// The samples that the index does not hold yet.
pub(crate) fn missing_samples(index: &SequenceIndex, samples: Vec<Sample>) -> Vec<Sample> {
    samples.into_iter().filter(|sample| index.sample(&sample.name).is_none()).collect()
}

/// Adds samples one after the other, with a bar.
pub(crate) fn add_samples(
    index: &SequenceIndex,
    name: &str,
    samples: &[Sample],
    minimum_count: Option<u32>,
) -> Result<()> {
    let minimum_count = minimum_count.unwrap_or_else(|| index.minimum_count());
    let stage = Stage::begin(format!("sequences → {name}"), Some(samples.len() as u64));
    let mut kmers = 0;
    for (added, sample) in samples.iter().enumerate() {
        let inputs = sample.files.iter().map(|file| input(file)).collect();
        let progress = SampleProgress { stage: &stage, sample: &sample.name };
        let report =
            index.add_sample_counting(&sample.name, inputs, minimum_count, &progress).map_err(|source| {
                Failure::Sample { sample: sample.name.clone(), added, source: Box::new(source.into()) }
            })?;
        if let Some(failure) = report.merge_failure {
            stage.warn(&format!("{} was added, but layers were not merged: {failure}", sample.name));
        }
        kmers += report.sample.indexed_kmers;
        stage.advance(1);
    }
    stage.end(&format!("{} samples, {} k-mers", count(samples.len() as u64), count(kmers)));
    Ok(())
}

/// Shows the steps of one sample beside the bar.
struct SampleProgress<'a> {
    stage: &'a Stage,
    sample: &'a str,
}

impl Progress for SampleProgress<'_> {
    fn report(&self, step: Step<'_>) {
        let sample = self.sample;
        self.stage.say(match step {
            Step::Counting { records, bases } => {
                format!("{sample}: {} records, {:.1} Mbp read", count(records), bases as f64 / 1e6)
            }
            Step::Writing { kmers } => format!("{sample}: writing {} k-mers", count(kmers)),
            Step::Merging => format!("{sample}: merging layers"),
            _ => sample.to_owned(),
        });
    }
}

fn input(file: &Path) -> Input {
    if file.as_os_str() == "-" {
        Input::stream("standard input", std::io::stdin())
    } else {
        Input::path(file)
    }
}

/// The index, made when it is missing, and whether it was made; what is asked for must fit what it is.
fn open_index(database: &Stromatolite, arguments: &IndexAdd) -> Result<(Arc<SequenceIndex>, bool)> {
    match database.sequence_index(&arguments.index) {
        Ok(index) => {
            let held = index.geometry().k();
            let refused = |what: String| {
                Err(Failure::Usage { what, hint: "leave the option out, or make another index".into() })
            };
            match arguments.k {
                Some(k) if k != held => {
                    refused(format!("the index `{}` has k = {held}, not {k}", arguments.index))
                }
                _ => Ok((index, false)),
            }
        }
        Err(Error::UnknownIndex { .. }) => {
            let mut options = IndexOptions::default();
            options.k = arguments.k.unwrap_or(options.k);
            options.minimum_count = arguments.minimum_count.unwrap_or(options.minimum_count);
            Ok((database.create_sequence_index(&arguments.index, options)?, true))
        }
        Err(error) => Err(error.into()),
    }
}
