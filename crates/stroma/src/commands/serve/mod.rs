//! `stroma serve`: the database to MongoDB's drivers and shell.

mod metrics;
mod run;

pub(super) use run::run;
