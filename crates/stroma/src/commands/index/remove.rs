//! `stroma index remove`: one sample out of an index, or a whole index.

use stromatolite::Error;

use crate::arguments::IndexRemove;
use crate::commands::run::open_existing;
use crate::failure::Result;

pub(super) fn run(arguments: &IndexRemove) -> Result<()> {
    let database = open_existing(&arguments.data)?;
    if let Some(sample) = &arguments.sample {
        database.sequence_index(&arguments.index)?.remove_sample(sample).map_err(Error::from)?;
        eprintln!("removed the sample {sample} from {}", arguments.index);
    } else {
        database.remove_sequence_index(&arguments.index)?;
        eprintln!("removed the index {}", arguments.index);
    }
    Ok(())
}
