//! Which suites there are, by name.

use super::{documents, filter, sequence};
use crate::arguments::Settings;
use crate::measure::Samples;
use crate::{Outcome, index, kv, logmem};

type Suite = fn(&Settings) -> Outcome<Samples>;

const SUITES: [(&str, Suite); 6] = [
    ("kv", kv::run),
    ("logmem", logmem::run),
    ("index", index::run),
    ("filter", filter::run),
    ("sequence", sequence::run),
    ("documents", documents::run),
];

/// The names of all suites.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|(name, _)| *name)
}

/// The suite's own copy of its name, or an error that names those there are.
pub(crate) fn known_name(name: &str) -> Outcome<&'static str> {
    let known: Vec<&'static str> = names().collect();
    let unsupported = || format!("unsupported suite `{name}`; there are {}, and `plot`", known.join(", "));
    known.iter().copied().find(|other| *other == name).ok_or_else(|| unsupported().into())
}

/// What runs the suite of this name.
pub(crate) fn find(name: &str) -> Outcome<Suite> {
    let name = known_name(name)?;
    SUITES.iter().find(|(other, _)| *other == name).map(|(_, run)| *run).ok_or_else(|| "no suite".into())
}
