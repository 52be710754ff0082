//! `stroma compact`: merges all layers of the documents and of every sequence index into as few as possible.

use super::run::open_existing;
use crate::arguments::Compact;
use crate::failure::Result;
use crate::output::Stage;

pub(super) fn run(arguments: &Compact) -> Result<()> {
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
