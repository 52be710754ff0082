//! `stroma compact`: merges all layers of the documents and of every sequence index into as few as possible, or
//! encrypts the documents with another key.

use super::run::{open_existing, open_to_encrypt};
use crate::arguments::Compact;
use crate::failure::Result;
use crate::output::Stage;

pub(super) fn run(arguments: &Compact) -> Result<()> {
    if arguments.rotate_keys {
        let database = open_to_encrypt(&arguments.data)?;
        let stage = Stage::begin("encrypt documents with the last key", None);
        database.engine().rotate_keys().map_err(stromatolite::Error::from)?;
        stage.end("done");
        return Ok(database.close()?);
    }
    let database = open_existing(&arguments.data)?;
    let stage = Stage::begin("compact documents", None);
    database.engine().compact().map_err(stromatolite::Error::from)?;
    stage.end("done");
    for name in database.sequence_indexes()? {
        let stage = Stage::begin(format!("compact {name}"), None);
        database.sequence_index(&name)?.compact().map_err(stromatolite::Error::from)?;
        stage.end("done");
    }
    Ok(())
}
