//! `stroma inspect`: what a database is made of, or what one of its files is.

mod database;
mod file;
mod run;

pub(super) use run::run;
