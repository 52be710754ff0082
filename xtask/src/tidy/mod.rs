//! The rules that no compiler checks, as one chore: `cargo xtask tidy`.

mod dependencies;
mod documents;
mod files;
mod run;
mod rust_source;

pub(crate) use run::run;
