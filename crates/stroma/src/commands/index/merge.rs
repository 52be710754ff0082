//! `stroma index merge`: the samples of indexes that were built in other databases, shard by shard.

use std::path::Path;
use std::sync::Arc;

use stromatolite::sequence::{IndexOptions, NoProgress, SequenceIndex};
use stromatolite::{Options, Stromatolite};

use super::add::{Target, warn_if_left_hot};
use crate::arguments::IndexMerge;
use crate::commands::run::open_or_create;
use crate::failure::Result;
use crate::output::{Stage, count};

pub(super) fn run(arguments: &IndexMerge) -> Result<()> {
    let Some(first) = arguments.shards.first() else { return Ok(()) };
    // Opened before anything is made: a new index has its settings.
    let shard = open_shard(first, &arguments.index)?;
    let options = options_of(&shard);
    drop(shard);
    let database = open_or_create(&arguments.data)?;
    let target = Target::open_or_create(&database, &arguments.index, options)?;
    target.fill(&database, &arguments.resources, |index| merge(index, arguments))
}

fn open_shard(folder: &Path, index: &str) -> Result<Arc<SequenceIndex>> {
    let database = Stromatolite::open(folder, Options::reading())?;
    Ok(database.sequence_index(index)?)
}

fn options_of(shard: &SequenceIndex) -> IndexOptions {
    let geometry = shard.geometry();
    IndexOptions {
        k: geometry.k(),
        minimum_count: shard.minimum_count(),
        partitions: geometry.partitions(),
        abundances: shard.keeps_abundances(),
    }
}

fn merge(index: &SequenceIndex, arguments: &IndexMerge) -> Result<()> {
    let stage = Stage::begin(format!("shards → {}", arguments.index), Some(arguments.shards.len() as u64));
    let (mut added, mut skipped) = (0, 0);
    for folder in &arguments.shards {
        stage.say(folder.display().to_string());
        let shard = open_shard(folder, &arguments.index)?;
        let outcome = index.add_index(&shard, arguments.skip_existing, &NoProgress);
        let report = outcome.map_err(stromatolite::Error::from)?;
        added += report.added as u64;
        skipped += report.skipped as u64;
        stage.advance(1);
    }
    stage.say("merging layers");
    if let Err(failure) = index.merge_added() {
        stage.warn(&format!("the samples were added, but layers were not merged: {failure}"));
    }
    warn_if_left_hot(index, &stage);
    stage.end(&match skipped {
        0 => format!("{} samples", count(added)),
        _ => format!("{} samples, {} were there", count(added), count(skipped)),
    });
    Ok(())
}
