//! Random seals and merges that end in any order: whatever is picked, readers find the newest entry first.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::layer::LayerDescriptor;

/// A layer that holds, for some keys, the number of the seal that wrote them.
#[derive(Debug, Clone)]
struct Model {
    descriptor: LayerDescriptor,
    entries: BTreeMap<u32, u64>,
}

/// The length of an entry of a simulated layer.
pub(super) const ENTRY_BYTES: u64 = 10;

/// A set of layers without files: what merges would do to it.
#[derive(Debug)]
pub(super) struct Simulation {
    layers: BTreeMap<u64, Model>,
    running: Vec<(u64, MergePlan)>,
    claims: Claims,
    next_id: u64,
    seals: u64,
    truth: BTreeMap<u32, u64>,
    /// Entries of a layer that a merge writes.
    table_entries: usize,
    /// Bytes written by seals, and by merges.
    pub(super) written: (u64, u64),
}

impl Simulation {
    pub(super) fn new(table_entries: usize) -> Simulation {
        Simulation {
            layers: BTreeMap::new(),
            running: Vec::new(),
            claims: Claims::new(),
            next_id: 0,
            seals: 0,
            truth: BTreeMap::new(),
            table_entries,
            written: (0, 0),
        }
    }

    /// Bytes of all layers for each byte of what readers see.
    pub(super) fn space_amplification(&self) -> f64 {
        let bytes: u64 = self.layers.values().map(|layer| layer.descriptor.bytes).sum();
        bytes as f64 / (self.truth.len() as u64 * ENTRY_BYTES) as f64
    }

    /// Merges until nothing is due.
    pub(super) fn settle(&mut self, policy: &MergePolicy) {
        while self.start(policy, PaidByReads::default()) {
            self.finish(0);
        }
    }

    fn add(&mut self, level: u32, recency: u64, entries: BTreeMap<u32, u64>) {
        let (Some(first), Some(last)) = (entries.keys().next(), entries.keys().last()) else { return };
        self.next_id += 1;
        let descriptor = LayerDescriptor {
            id: self.next_id,
            level,
            recency,
            smallest: first.to_be_bytes().to_vec(),
            largest: last.to_be_bytes().to_vec(),
            bytes: entries.len() as u64 * ENTRY_BYTES,
            entries: entries.len() as u64,
            deletes: 0,
            created: 0,
            metadata: Vec::new(),
        };
        self.layers.insert(self.next_id, Model { descriptor, entries });
    }

    pub(super) fn seal(&mut self, keys: &[u32]) {
        self.seals += 1;
        let entries: BTreeMap<u32, u64> = keys.iter().map(|key| (*key, self.seals)).collect();
        self.truth.extend(&entries);
        self.written.0 += entries.len() as u64 * ENTRY_BYTES;
        self.add(0, self.seals, entries);
    }

    /// Starts the most urgent merge, given what reads have paid; answers whether one was due.
    fn start(&mut self, policy: &MergePolicy, paid: PaidByReads) -> bool {
        let shapes: Vec<_> = self.layers.values().map(|layer| LayerShape::of(&layer.descriptor)).collect();
        let upkeep = Upkeep { read_percent: Some(50), ..Upkeep::none() };
        let rules = Rules { policy, upkeep: &upkeep, now: 0, paid };
        let plan = pick(&shapes, &rules, &self.claims);
        let is_due = plan.is_some();
        self.running.extend(plan.map(|plan| (self.claims.take(&plan, &shapes), plan)));
        is_due
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
        let entries: Vec<(u32, u64)> = merged.into_iter().collect();
        self.written.1 += entries.len() as u64 * ENTRY_BYTES;
        for table in entries.chunks(self.table_entries) {
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
    Seal(Vec<u32>),
    Start,
    StartForReaders(PaidByReads),
    Finish(usize),
    Switch,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => prop::collection::vec(0_u32..30, 1..8).prop_map(Step::Seal),
        30 => Just(Step::Start),
        10 => (0..4_u64 << 20, 0..4_u64 << 20).prop_map(|(runs, dead)| PaidByReads { runs, dead })
            .prop_map(Step::StartForReaders),
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
        let mut simulation = Simulation::new(4);
        for step in steps {
            match step {
                Step::Seal(keys) => simulation.seal(&keys),
                Step::Start => {
                    simulation.start(&policies[policy], PaidByReads::default());
                }
                Step::StartForReaders(paid) => {
                    simulation.start(&policies[policy], paid);
                }
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
