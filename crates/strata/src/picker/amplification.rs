//! What a policy costs: bytes written for each byte sealed, and bytes kept for each byte that is alive, while a
//! whole database is overwritten at random. Counted, not timed; `docs/decisions/026-levels-and-picks.md` has the
//! figures.

use super::simulation::Simulation;
use super::{Limits, MergePolicy};

/// Entries of a sealed layer.
const SEALED: u32 = 100;
/// The default limits for layers of this size: level 1 is eight of them, a table two.
const LEVEL1_BYTES: u64 = 8 * SEALED as u64 * super::simulation::ENTRY_BYTES;

/// What overwriting cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    written: f64,
    space_mean: f64,
    space_most: f64,
}

/// Loads `keys` entries and overwrites each three times, in random order; what the overwriting cost.
fn overwrite(keys: u32, policy: &MergePolicy) -> Cost {
    let mut simulation = Simulation::new(2 * SEALED as usize);
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(state) * u64::from(keys)) >> 32) as u32
    };
    for first in (0..keys).step_by(SEALED as usize) {
        // Every number once, scattered.
        let scattered = |number: u32| (u64::from(number) * 7_919 % u64::from(keys)) as u32;
        simulation.seal(&(first..(first + SEALED).min(keys)).map(scattered).collect::<Vec<_>>());
        simulation.settle(policy);
    }
    let (sealed, merged) = simulation.written;
    let mut space = Vec::new();
    for _ in 0..3 * keys / SEALED {
        simulation.seal(&(0..SEALED).map(|_| random()).collect::<Vec<_>>());
        simulation.settle(policy);
        space.push(simulation.space_amplification());
    }
    let (sealed, merged) = (simulation.written.0 - sealed, simulation.written.1 - merged);
    Cost {
        written: (sealed + merged) as f64 / sealed as f64,
        space_mean: space.iter().sum::<f64>() / space.len() as f64,
        space_most: space.iter().copied().fold(0.0, f64::max),
    }
}

/// The default limits at the size of the simulation.
fn limits() -> Limits {
    Limits {
        level1_bytes: LEVEL1_BYTES,
        table_bytes: 2 * u64::from(SEALED) * super::simulation::ENTRY_BYTES,
        ..Limits::default()
    }
}

/// What the policy before this one cost, whose levels had sizes counted from the top: keys, bytes written, the most
/// bytes kept.
const FROM_THE_TOP: [(u32, f64, f64); 5] = [
    (3_000, 5.71, 1.36),
    (5_000, 7.07, 1.28),
    (10_000, 9.35, 1.68),
    (20_000, 10.96, 1.45),
    (30_000, 11.97, 1.30),
];

#[test]
fn levels_counted_from_the_last_keep_little_more_than_what_is_alive() {
    let (mut written, mut written_before) = (0.0, 0.0);
    for (keys, before, space_before) in FROM_THE_TOP {
        let cost = overwrite(keys, &MergePolicy::TieredThenLevelled(limits()));
        println!("{keys} keys: {cost:.2?}; counted from the top {before} written, {space_before} kept");
        assert!(cost.space_most < 1.25 && cost.space_mean < 1.16, "{keys}: {cost:?}");
        (written, written_before) = (written + cost.written, written_before + before);
    }
    assert!(written < 1.05 * written_before, "{written} against {written_before}");
}

#[test]
fn a_small_database_keeps_little_too() {
    for keys in [500, 1_000, 1_500, 2_000, 2_400] {
        let cost = overwrite(keys, &MergePolicy::TieredThenLevelled(limits()));
        println!("{keys} keys: {cost:.2?}");
        assert!(cost.space_most < 2.0 && (keys < 1_500 || cost.space_most < 1.3), "{keys}: {cost:?}");
    }
}
