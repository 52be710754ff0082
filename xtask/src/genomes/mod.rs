//! Fetches the complete genomes that tests and measurements of sequence search are made on.

mod chore;
mod list;

pub(crate) use chore::{fetch_one, run};
