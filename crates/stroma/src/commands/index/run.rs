//! From `stroma index …` to the one that was meant.

use super::{add, list, remove};
use crate::arguments::Index;
use crate::failure::Result;

pub(crate) fn run(command: &Index) -> Result<()> {
    match command {
        Index::Add(arguments) => add::run(arguments),
        Index::List(arguments) => list::run(arguments),
        Index::Remove(arguments) => remove::run(arguments),
    }
}
