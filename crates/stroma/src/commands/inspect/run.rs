//! From `stroma inspect …` to the one that was meant.

use super::{database, file, memory};
use crate::arguments::Inspect;
use crate::commands::run::{keys, open_to_read};
use crate::failure::Result;

pub(crate) fn run(arguments: &Inspect) -> Result<()> {
    if let Some(url) = &arguments.memory {
        memory::run(url, arguments.json)
    } else if arguments.files.is_empty() {
        database::inspect(&open_to_read(&arguments.data)?, arguments.json)
    } else {
        file::inspect(&arguments.files, keys(&arguments.data)?.as_ref(), arguments.json)
    }
}
