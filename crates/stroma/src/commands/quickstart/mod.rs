//! `stroma quickstart`: a small real database, and three questions it answers.

mod collection;
mod load;
mod questions;
mod run;

pub(super) use run::run;
