//! A simulator: seeded operations, crashes at storage operations, faults of devices, and a model that knows what must
//! be there afterwards. Everything follows from the seed, so that whatever fails can be repeated.
//!
//! `STROMA_TORTURE_SEEDS`, `_SEED`, `_SECONDS` and `_THREADS` ask for more than the default, `_TRACE` for a line
//! for whatever happens; `cargo xtask torture` sets them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may use what it likes"
)]

#[path = "../shared/append.rs"]
mod append;
mod beside;
mod extras;
mod harness;
mod history;
mod life;
mod metamorphic;
mod model;
#[path = "../shared/random.rs"]
mod random;
mod reading;
mod rules;
mod setting;
#[path = "../shared/sums.rs"]
mod sums;
mod trace;
mod transact;

use std::panic::{AssertUnwindSafe, catch_unwind};

use harness::{Request, message, torture};
use history::{Extent, run};

#[test]
fn many_seeds() {
    let request = Request::from_environment(300);
    let extent = Extent { lives: 4, steps: 60, long_steps: 900, image_every: 97, lying: false };
    let report = torture(request, extent);
    if request.is_default() {
        // What is to be tested did happen.
        assert!(report.failed_openings > 50 && report.poisonings > 20 && report.errors > 500, "{report:?}");
        assert!(report.side_images > 1000 && report.flushes > 1000 && report.merges > 500, "{report:?}");
        assert!(report.sheddings > 0 && report.conflicts > 20, "{report:?}");
        assert!(report.followed > 500 && report.copies > 100, "{report:?}");
    }
}

#[test]
fn power_is_lost_at_every_operation() {
    let extent = Extent { lives: 3, steps: 40, long_steps: 80, image_every: 1, lying: false };
    let images: u64 = (1000..1012).map(|seed| run(seed, extent).side_images).sum();
    assert!(images > 1000, "{images}");
}

/// The simulator itself is tested with a device that no database can stand.
#[test]
fn a_device_whose_syncs_lie_is_found_out() {
    let extent = Extent { lives: 4, steps: 60, long_steps: 900, image_every: 29, lying: true };
    let caught = (0..20).filter(|seed| {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(*seed, extent)));
        let said = outcome.err().map(|panic| message(&*panic));
        said.is_some_and(|said| said.contains("promised") || said.contains("cannot open"))
    });
    let caught = caught.count();
    assert!(caught > 10, "{caught} of 20");
}
