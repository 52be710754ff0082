//! From `stroma inspect …` to the one that was meant.

use super::{database, file};
use crate::arguments::Inspect;
use crate::commands::run::open_existing;
use crate::failure::Result;

pub(crate) fn run(arguments: &Inspect) -> Result<()> {
    if arguments.files.is_empty() {
        database::inspect(&open_existing(&arguments.data)?, arguments.json)
    } else {
        file::inspect(&arguments.files, arguments.json)
    }
}
