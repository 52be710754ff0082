//! `stroma index`: samples into sequence indexes, out of them, and lists of them.

mod add;
mod import;
mod list;
mod manifest;
mod merge;
mod remove;
mod run;

pub(super) use add::{add_samples, left_hot_warning, missing_samples, set_resources};
pub(super) use manifest::{Sample, read_manifest};
pub(super) use run::run;
