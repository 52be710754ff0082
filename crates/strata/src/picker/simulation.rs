//! Random seals and merges that end in any order: whatever is picked, readers find the newest entry first.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::layer::LayerDescriptor;

/// A layer that holds, for some keys, the number of the seal that wrote them.
#[derive(Debug, Clone)]
struct Model {
    descriptor: LayerDescriptor,
    entries: BTreeMap<u8, u64>,
}

#[derive(Debug, Default)]
struct Simulation {
    layers: BTreeMap<u64, Model>,
    running: Vec<(u64, MergePlan)>,
    claims: Claims,
    next_id: u64,
    seals: u64,
    truth: BTreeMap<u8, u64>,
}

impl Simulation {
    fn add(&mut self, level: u32, recency: u64, entries: BTreeMap<u8, u64>) {
        let (Some(first), Some(last)) = (entries.keys().next(), entries.keys().last()) else { return };
        self.next_id += 1;
        let descriptor = LayerDescriptor {
            id: self.next_id,
            level,
            recency,
            smallest: vec![*first],
            largest: vec![*last],
            bytes: entries.len() as u64 * 10,
            entries: 0,
            metadata: Vec::new(),
        };
        self.layers.insert(self.next_id, Model { descriptor, entries });
    }

    fn seal(&mut self, keys: &[u8]) {
        self.seals += 1;
        let entries: BTreeMap<u8, u64> = keys.iter().map(|key| (*key, self.seals)).collect();
        self.truth.extend(&entries);
        self.add(0, self.seals, entries);
    }

    fn start(&mut self, policy: &MergePolicy) {
        let shapes: Vec<_> = self.layers.values().map(|layer| LayerShape::of(&layer.descriptor)).collect();
        if let Some(plan) = pick(&shapes, policy, &self.claims) {
            self.running.push((self.claims.take(&plan, &shapes), plan));
        }
    }

    fn finish(&mut self, which: usize) {
        if self.running.is_empty() {
            return;
        }
        let (ticket, plan) = self.running.swap_remove(which % self.running.len());
        self.claims.release(ticket);
        let inputs: Vec<Model> = plan.inputs.iter().map(|id| self.layers.remove(id).unwrap()).collect();
        let recency = inputs.iter().map(|layer| layer.descriptor.recency).max().unwrap();
        if plan.is_move {
            for input in inputs {
                self.add(plan.target_level, input.descriptor.recency, input.entries);
            }
            return;
        }
        let mut merged = BTreeMap::new();
        inputs.iter().rev().for_each(|input| merged.extend(&input.entries));
        let entries: Vec<(u8, u64)> = merged.into_iter().collect();
        for table in entries.chunks(4) {
            self.add(plan.target_level, recency, table.iter().copied().collect());
        }
    }

    /// Reads every key as a reader would: the first layer that has it is right.
    fn check(&self) {
        let mut order: Vec<&Model> = self.layers.values().collect();
        order.sort_by_key(|layer| (layer.descriptor.level, std::cmp::Reverse(layer.descriptor.recency)));
        for (key, seal) in &self.truth {
            let found = order.iter().find_map(|layer| layer.entries.get(key));
            assert_eq!(found, Some(seal), "key {key} in {order:#?}");
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Seal(Vec<u8>),
    Start,
    Finish(usize),
    Switch,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => prop::collection::vec(0_u8..30, 1..8).prop_map(Step::Seal),
        30 => Just(Step::Start),
        25 => any::<usize>().prop_map(Step::Finish),
        1 => Just(Step::Switch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_entry_is_always_found_first(steps in prop::collection::vec(step(), 1..300)) {
        let limits =
            Limits { level0_runs: 2, level1_bytes: 60, multiplier: 2, deepest_level: 4, table_bytes: 40 };
        let policies = [MergePolicy::Tiered { fanout: 2 }, MergePolicy::TieredThenLevelled(limits)];
        let mut policy = 1;
        let mut simulation = Simulation::default();
        for step in steps {
            match step {
                Step::Seal(keys) => simulation.seal(&keys),
                Step::Start => simulation.start(&policies[policy]),
                Step::Finish(which) => simulation.finish(which),
                Step::Switch => {
                    // As when a set is closed and opened with other options: what was being merged is given
                    // up.
                    simulation.running.clear();
                    simulation.claims = Claims::new();
                    policy = 1 - policy;
                }
            }
            simulation.check();
        }
    }
}
