//! Runs the models of concurrent structures, with a scheduler's primitives in the place of the real ones.

use crate::chore::{self, Outcome, cargo};

/// What has models, and the package it is in.
const MODELLED: [(&str, &str); 2] =
    [("log-structured memory", "stroma-logmem"), ("the memtable's index", "stroma-lsm")];

/// Builds into a folder of its own, since every crate below is built with other flags.
pub(crate) fn run() -> Outcome {
    MODELLED.iter().try_for_each(|(what, package)| {
        let mut models =
            cargo(&["test", "--package", package, "--lib", "models", "--target-dir", "target/models"]);
        chore::run(&format!("models of {what}"), models.env("RUSTFLAGS", "--cfg shuttle"))
    })
}
