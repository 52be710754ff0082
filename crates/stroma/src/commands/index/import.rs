//! `stroma index import`: samples whose k-mers another program has counted, each added wholly or not at all.

use stromatolite::sequence::NewSample;
use stromatolite::sequence::import::{CountedKmers, sample_name};

use super::add::{SampleResult, Samples, Target, add_all, with_minimum};
use crate::arguments::IndexImport;
use crate::commands::run::open_or_create;
use crate::failure::{Failure, Result};

pub(super) fn run(arguments: &IndexImport) -> Result<()> {
    let Some(first) = arguments.files.first() else { return Ok(()) };
    // Opened before anything is made: a new index has its k.
    let opened = CountedKmers::open(first).map_err(stromatolite::sequence::Error::from);
    let k = opened.map_err(stromatolite::Error::from)?.k();
    let database = open_or_create(&arguments.data)?;
    let is_held = database.sequence_indexes()?.contains(&arguments.index);
    let k = (!is_held).then_some(k);
    let target = Target::open(&database, &arguments.index, k, &arguments.adding)?;
    target.fill(&database, &arguments.resources, |index| {
        add_all(index, &arguments.index, samples(arguments)?, arguments.adding.skip_existing)
    })
}

/// The samples that the words of the command name.
fn samples(arguments: &IndexImport) -> Result<Samples> {
    let files = arguments.files.clone();
    let named = match &arguments.sample {
        Some(name) => vec![(name.clone(), files)],
        None => files.into_iter().map(|file| (sample_name(&file), vec![file])).collect(),
    };
    let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
    if let Some((first, _)) = names.iter().zip(names.iter().skip(1)).find(|(first, second)| first == second) {
        return Err(Failure::Usage {
            what: format!("two files in a row would be the sample `{first}`"),
            hint: "of a database of KMC name only the .kmc_pre file; files of one sample need --sample"
                .into(),
        });
    }
    let minimum_count = arguments.adding.minimum_count;
    let samples: Vec<SampleResult> = named
        .into_iter()
        .map(|(name, files)| Ok(with_minimum(NewSample::from_counts(name, files), minimum_count)))
        .collect();
    Ok(Samples { samples: Box::new(samples.into_iter()), names: Some(names) })
}
