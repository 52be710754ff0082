//! How random cases are drawn.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// So many cases from this seed, the same in every run.
pub(crate) fn config(seed: u64, cases: u32) -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(seed);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}
