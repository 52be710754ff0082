//! Power lost at every operation of the storage: what is found afterwards is the last committed edit or a
//! later one, never a mixture, and the set works on.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::*;
use proptest::prelude::*;
use stroma_strata::storage::MemoryStorage;
use stroma_strata::{Error, MergePolicy};

/// What a user does.
#[derive(Debug, Clone)]
enum Step {
    Seal(Numbers),
    MergeOnce,
    MergeAll,
    Reopen,
    /// Closes, and goes on with the other policy.
    Close,
}

/// The numbers there after each seal, from none on.
fn states(steps: &[Step]) -> Vec<Vec<u64>> {
    let mut numbers = Numbers::new();
    let mut states = vec![Vec::new()];
    for step in steps {
        if let Step::Seal(more) = step {
            numbers.extend(more);
            states.push(numbers.iter().filter(|(_, present)| **present).map(|(number, _)| *number).collect());
        }
    }
    states
}

/// A policy of the other family.
fn other(policy: &MergePolicy) -> MergePolicy {
    match policy {
        MergePolicy::Tiered { .. } => levelled(),
        MergePolicy::TieredThenLevelled(_) => MergePolicy::Tiered { fanout: 2 },
    }
}

/// Does the steps until one fails; tells how many seals were acknowledged, in `acknowledged`.
fn run(
    storage: &MemoryStorage,
    policy: &MergePolicy,
    steps: &[Step],
    acknowledged: &mut u64,
) -> Result<(), Error> {
    let states = states(steps);
    let mut set = open(storage, policy.clone())?;
    let mut switched = false;
    for step in steps {
        match step {
            Step::Seal(numbers) => {
                seal(&set, numbers, *acknowledged + 1)?;
                *acknowledged += 1;
            }
            Step::MergeOnce => drop(set.merge_once()?),
            Step::MergeAll => drop(set.merge_all()?),
            Step::Reopen => {
                drop(set);
                set = open(storage, if switched { other(policy) } else { policy.clone() })?;
            }
            Step::Close => {
                set.close()?;
                drop(set);
                switched = !switched;
                set = open(storage, if switched { other(policy) } else { policy.clone() })?;
            }
        }
        let version = set.current();
        check_version(&version);
        assert_eq!(count(&version), *acknowledged);
        assert_eq!(contents(&version), states[*acknowledged as usize]);
    }
    set.close()
}

/// Loses power after `operations` operations and looks at what is left.
fn crash_after(operations: u64, seed: u64, policy: &MergePolicy, steps: &[Step]) {
    let storage = MemoryStorage::new();
    storage.fail_after(operations, seed);
    let mut acknowledged = 0;
    let outcome = run(&storage, policy, steps, &mut acknowledged);
    for image in [storage.crash(seed), storage.kill()] {
        let set = open(&image, policy.clone()).unwrap_or_else(|error| panic!("after {operations}: {error}"));
        let version = set.current();
        check_version(&version);
        let found = count(&version);
        let expected = acknowledged..=acknowledged + u64::from(outcome.is_err());
        assert!(
            expected.contains(&found),
            "after {operations}: {found} instead of {expected:?} ({outcome:?})"
        );
        assert_eq!(contents(&version), states(steps)[found as usize], "after {operations}");
        let named = version.layers().count();
        assert_eq!(stroma_strata::storage::Storage::list(&image, "layers").unwrap().len(), named);
        drop(version);
        seal(&set, &Numbers::from([(77, true)]), found + 1).unwrap();
        set.merge_until_idle().unwrap();
        assert!(contents(&set.current()).contains(&77));
    }
}

fn numbers() -> impl Strategy<Value = Numbers> {
    prop::collection::btree_map(0_u64..40, prop::bool::weighted(0.7), 1..12)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => numbers().prop_map(Step::Seal),
        4 => Just(Step::MergeOnce),
        1 => Just(Step::MergeAll),
        1 => Just(Step::Reopen),
        1 => Just(Step::Close),
    ]
}

fn policy() -> impl Strategy<Value = MergePolicy> {
    prop_oneof![(2_usize..5).prop_map(|fanout| MergePolicy::Tiered { fanout }), Just(levelled())]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn a_set_does_what_a_plain_set_does(policy in policy(), steps in prop::collection::vec(step(), 1..60)) {
        run(&MemoryStorage::new(), &policy, &steps, &mut 0).unwrap();
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn power_may_go_at_any_operation(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..24),
        seed in any::<u64>(),
    ) {
        let whole = MemoryStorage::new();
        run(&whole, &policy, &steps, &mut 0).unwrap();
        for operations in 0..whole.operations() {
            crash_after(operations, seed.wrapping_add(operations), &policy, &steps);
        }
    }
}

/// Enough edits for several snapshots of the manifest, each of whose operations fails once.
#[test]
fn power_may_go_while_the_manifest_is_rewritten() {
    let steps: Vec<Step> =
        (0..70).flat_map(|number| [Step::Seal(Numbers::from([(number, true)])), Step::MergeOnce]).collect();
    let policy = MergePolicy::Tiered { fanout: 4 };
    let whole = MemoryStorage::new();
    run(&whole, &policy, &steps, &mut 0).unwrap();
    for operations in (0..whole.operations()).step_by(7) {
        crash_after(operations, operations, &policy, &steps);
    }
}
