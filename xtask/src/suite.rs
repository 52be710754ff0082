//! The test command: each step in turn, cheapest first, so that a slip is reported within seconds.

use crate::chore::{self, Outcome, cargo};
use crate::{end_to_end, models, tidy};

/// How much of the suite to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, as CI does.
    Whole,
    /// What a developer runs between two edits.
    Quick,
}

/// Runs the suite; stops at the first step that fails.
pub(crate) fn run(extent: Extent) -> Outcome {
    chore::run("formatting", &mut cargo(&["fmt", "--all", "--", "--check"]))?;
    println!("\n=== tidy");
    tidy::run()?;
    let mut lints =
        cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
    chore::run("lints", &mut lints)?;
    let mut tests = cargo(&["test", "--workspace", "--all-features"]);
    if extent == Extent::Quick {
        tests.env("STROMA_KILL_ROUNDS", "10");
    }
    chore::run("unit, property and doc tests", &mut tests)?;
    chore::run(
        "documentation builds without a warning",
        cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    if extent == Extent::Whole {
        models::run()?;
        end_to_end::run()?;
    }
    println!("\nall of it passed");
    Ok(())
}
