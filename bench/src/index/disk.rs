//! The part `disk`: lookups in a mapped file of which nothing is in memory at first.

use super::files::Folder;
use super::suite::Prepared;
use crate::Outcome;
use crate::measure::Samples;
use crate::process::Figures;

pub(super) fn run(_prepared: &Prepared<'_>, _samples: &mut Samples) -> Outcome {
    Ok(())
}

pub(super) fn measure(_word: &str, _set: &str, _folder: &Folder, _runs: usize) -> Outcome<Figures> {
    Err("not there".into())
}
