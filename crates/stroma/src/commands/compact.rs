//! `stroma compact`: merges layers into as few as possible, of everything or of one collection; writes everything into
//! one file; or encrypts everything with another key.

use std::path::Path;

use stromatolite::lsm::IfExists;

use super::index::{set_resources, warn_if_left_hot};
use super::run::{namespace, open_existing, open_to_encrypt, open_to_read};
use crate::arguments::Compact;
use crate::failure::Result;
use crate::output::{Stage, count};

pub(super) fn run(arguments: &Compact) -> Result<()> {
    if arguments.rotate_keys {
        let database = open_to_encrypt(&arguments.data)?;
        let stage = Stage::begin("encrypt everything with the last key", None);
        database.rotate_keys()?;
        stage.end("done");
        return Ok(database.close()?);
    }
    match (&arguments.into, &arguments.collection) {
        (Some(file), _) => write_file(arguments, file),
        (None, Some(collection)) => merge_collection(arguments, collection),
        (None, None) => merge_everything(arguments),
    }
}

fn merge_everything(arguments: &Compact) -> Result<()> {
    let database = open_existing(&arguments.data)?;
    let stage = Stage::begin("compact documents", None);
    database.engine().compact().map_err(stromatolite::Error::from)?;
    stage.end("done");
    for name in database.sequence_indexes()? {
        let stage = Stage::begin(format!("compact {name}"), None);
        let index = database.sequence_index(&name)?;
        set_resources(&index, &arguments.resources);
        index.compact().map_err(stromatolite::Error::from)?;
        warn_if_left_hot(&index, &stage);
        let statistics = index.statistics();
        stage.end(&statistics.bits_per_kmer().map_or_else(
            || "empty".to_owned(),
            |bits| format!("{} k-mers, {bits:.1} bits each", count(statistics.kmers())),
        ));
    }
    Ok(())
}

fn merge_collection(arguments: &Compact, collection: &str) -> Result<()> {
    let namespace = namespace(collection)?;
    let database = open_existing(&arguments.data)?;
    let stage = Stage::begin(format!("compact {namespace}"), None);
    if database.compact_collection(&namespace)? {
        stage.end("done");
    } else {
        stage.end("there is no such collection");
    }
    Ok(())
}

fn write_file(arguments: &Compact, file: &Path) -> Result<()> {
    let database = open_to_read(&arguments.data)?;
    let stage = Stage::begin(format!("write {}", file.display()), None);
    let if_exists = if arguments.replace { IfExists::Replace } else { IfExists::Refuse };
    database.export_into(file, if_exists)?;
    stage.end("done");
    Ok(())
}
