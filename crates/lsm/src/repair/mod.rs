//! Salvage: what is whole of a damaged database, written anew, and the names of what is not.

mod log;
mod report;
mod run;
mod source;
mod tables;

pub use report::{LostLog, LostPart, LostTable, LostValue, RenamedKeyspace, RepairReport};
