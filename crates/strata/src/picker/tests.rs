//! Golden cases for picking, and a random check that picked merges never collide.

use std::time::Duration;

use super::*;
use crate::golden::{self, layer, number};
use crate::layer::LayerDescriptor;

fn policy(line: &str) -> MergePolicy {
    if line.starts_with("tiered") {
        return MergePolicy::Tiered { fanout: number(line, "fanout") as usize };
    }
    MergePolicy::TieredThenLevelled(Limits {
        level0_runs: number(line, "level0_runs") as usize,
        level1_bytes: number(line, "level1_bytes"),
        multiplier: number(line, "multiplier"),
        deepest_level: number(line, "deepest_level") as u32,
        table_bytes: 0,
    })
}

/// What the line names: no upkeep unless it says so.
fn upkeep(line: &str) -> Upkeep {
    let seconds = |name| golden::value(line, name).map(|_| Duration::from_secs(number(line, name)));
    let percent = |name| golden::value(line, name).map(|value| value.parse().unwrap());
    Upkeep {
        delete_percent: percent("delete_percent"),
        delete_age: seconds("delete_age"),
        age: seconds("age"),
        read_percent: percent("read_percent"),
    }
}

/// Picks and claims until nothing is left to pick: what as many threads would work on at once.
fn pick_all(input: &str) -> String {
    let mut lines = input.lines().filter(|line| !line.starts_with('#'));
    let first = lines.next().unwrap();
    let (policy, upkeep, now) = (policy(first), upkeep(first), number(first, "now"));
    let paid = PaidByReads { runs: number(first, "paid_runs"), dead: number(first, "paid_dead") };
    let rules = Rules { policy: &policy, upkeep: &upkeep, now, paid };
    let layers: Vec<LayerDescriptor> = lines.filter(|line| line.starts_with("layer")).map(layer).collect();
    let shapes: Vec<LayerShape<'_>> = layers.iter().map(LayerShape::of).collect();
    let mut claims = Claims::new();
    let mut output = format!("pressure {:.2}\n", pressure(&shapes, &policy));
    while let Some(plan) = pick(&shapes, &rules, &claims) {
        claims.take(&plan, &shapes);
        let verb = if plan.is_move { "move" } else { "merge" };
        output += &format!("{verb} {:?} to level {}: {}\n", plan.inputs, plan.target_level, plan.reason);
    }
    output
}

#[test]
fn picks_as_the_golden_cases_say() {
    golden::check("picker.txt", pick_all);
}

#[test]
fn a_released_claim_is_free_again() {
    let text = "layer 1 level=0 recency=1 bytes=1 keys=a..b\nlayer 2 level=0 recency=2 bytes=1 keys=a..b";
    let layers: Vec<_> = text.lines().map(layer).collect();
    let shapes: Vec<_> = layers.iter().map(LayerShape::of).collect();
    let policy = MergePolicy::Tiered { fanout: 2 };
    let rules = Rules { policy: &policy, upkeep: &Upkeep::none(), now: 0, paid: PaidByReads::default() };
    let mut claims = Claims::new();
    let plan = pick(&shapes, &rules, &claims).unwrap();
    let ticket = claims.take(&plan, &shapes);
    assert_eq!(pick(&shapes, &rules, &claims), None);
    claims.release(ticket);
    assert!(claims.is_empty());
    assert_eq!(pick(&shapes, &rules, &claims), Some(plan));
}

#[test]
fn a_seal_is_paid_for_where_a_merge_may_follow() {
    let text = "layer 1 level=0 recency=2 bytes=1000000 keys=a..z\nlayer 2 level=2 recency=1 bytes=5000000 keys=a..z";
    let layers: Vec<_> = text.lines().map(layer).collect();
    let shapes: Vec<_> = layers.iter().map(LayerShape::of).collect();
    let is_paid_for = |policy: &MergePolicy, read_percent, bytes_above, paid| {
        let upkeep = Upkeep { read_percent, ..Upkeep::none() };
        let rules = Rules { policy, upkeep: &upkeep, now: 0, paid: PaidByReads::default() };
        is_seal_paid_for(&shapes, &rules, bytes_above, paid)
    };
    let levelled = MergePolicy::TieredThenLevelled(Limits::default());
    let price = 2 * 8_000_000 + (1 << 20);
    assert!(is_paid_for(&levelled, Some(50), 2_000_000, price / 2));
    assert!(!is_paid_for(&levelled, Some(50), 2_000_000, price / 2 - 1));
    assert!(!is_paid_for(&levelled, None, 2_000_000, u64::MAX));
    assert!(!is_paid_for(&levelled, Some(50), 2 << 30, u64::MAX), "that is too much for readers alone");
    assert!(!is_paid_for(&MergePolicy::Tiered { fanout: 4 }, Some(50), 2_000_000, u64::MAX));
}
