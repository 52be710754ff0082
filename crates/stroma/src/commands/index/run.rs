//! From `stroma index …` to the one that was meant.

use super::{add, import, list, merge, remove};
use crate::arguments::Index;
use crate::failure::Result;

pub(crate) fn run(command: &Index) -> Result<()> {
    match command {
        Index::Add(arguments) => add::run(arguments),
        Index::Import(arguments) => import::run(arguments),
        Index::Merge(arguments) => merge::run(arguments),
        Index::List(arguments) => list::run(arguments),
        Index::Remove(arguments) => remove::run(arguments),
    }
}
