//! `stroma index`: samples into sequence indexes, out of them, and lists of them.

mod add;
mod import;
mod list;
mod manifest;
mod merge;
mod remove;
mod run;

pub(super) use add::{add_samples, missing_samples, set_resources, warn_if_left_hot};
pub(super) use manifest::{Sample, read_manifest};
pub(super) use run::run;
