//! `stroma inspect`: what a database is made of, what one of its files is, or what the memory of a
//! running server is used for.

mod database;
mod file;
mod memory;
mod run;

pub(super) use run::run;
