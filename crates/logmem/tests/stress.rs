//! The short form of the stress test (`examples/stress`): each kind of round once, on a very small store.
#![allow(clippy::disallowed_methods)] // threads are what is tested

use std::sync::atomic::AtomicU64;

#[path = "../examples/stress/harness/mod.rs"]
mod harness;

use harness::{Settings, Stress};

#[test]
fn no_thread_ever_sees_a_torn_foreign_stale_or_lost_value() {
    let steps = if cfg!(miri) { 100 } else { 6_000 };
    let mut stress = Stress::new(Settings::new(3, 3, 256 << 10, steps)).expect("large enough");
    let heartbeat = AtomicU64::new(0);
    for _ in 0..Stress::KINDS {
        let report = stress.round(&heartbeat).unwrap_or_else(|flaw| panic!("{flaw}"));
        assert!(report.refused * 10 < report.puts, "many were refused: {report:?}");
        assert!(report.cache_hits > 0, "{report:?}");
        assert!(report.removals > 0 && report.entries > 0 && report.fill < 1.0, "{report:?}");
        if report.puts > 5_000 {
            assert!(report.segments_cleaned > 0, "{}: the cleaner never ran", report.profile);
        }
    }
}
