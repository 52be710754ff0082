//! Runs the models of `logmem`: its store with the primitives of a scheduler in the place of the real ones.

use crate::chore::{self, Outcome, cargo};

/// Builds into a folder of its own, since every crate below is built with other flags.
pub(crate) fn run() -> Outcome {
    let mut models =
        cargo(&["test", "--package", "stroma-logmem", "--lib", "models", "--target-dir", "target/models"]);
    chore::run("models of log-structured memory", models.env("RUSTFLAGS", "--cfg shuttle"))
}
