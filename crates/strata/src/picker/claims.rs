//! Which layers and key ranges merges are working on, so that no two of them collide.

use std::collections::BTreeMap;

use super::MergePlan;
use crate::layer::overlaps;

/// What one merge keeps others away from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its input layers.
    pub inputs: Vec<u64>,
    /// The levels the inputs are from.
    pub source_levels: Vec<u32>,
    /// Where the output goes.
    pub target_level: u32,
    /// The smallest key that may be in the output.
    pub smallest: Vec<u8>,
    /// The largest key that may be in the output.
    pub largest: Vec<u8>,
}

/// The claims of all running merges.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    next_ticket: u64,
    running: BTreeMap<u64, Claim>,
}

impl Claims {
    /// Nothing is claimed.
    pub fn new() -> Claims {
        Claims::default()
    }

    /// Claims what a plan works on; the ticket ends the claim. `layers` are those the plan was made from.
    pub fn take(&mut self, plan: &MergePlan, layers: &[super::LayerShape<'_>]) -> u64 {
        let inputs: Vec<_> = layers.iter().filter(|layer| plan.inputs.contains(&layer.id)).copied().collect();
        let (smallest, largest) = super::shape::hull(&inputs).unwrap_or((&[], &[]));
        let mut source_levels: Vec<u32> = inputs.iter().map(|layer| layer.level).collect();
        source_levels.sort_unstable();
        source_levels.dedup();
        self.add(Claim {
            inputs: plan.inputs.clone(),
            source_levels,
            target_level: plan.target_level,
            smallest: smallest.to_vec(),
            largest: largest.to_vec(),
        })
    }

    /// Claims the keys of `range` in `level` for layers that come from elsewhere; the ticket ends the claim.
    pub fn take_range(&mut self, level: u32, range: (&[u8], &[u8])) -> u64 {
        self.add(Claim {
            inputs: Vec::new(),
            source_levels: Vec::new(),
            target_level: level,
            smallest: range.0.to_vec(),
            largest: range.1.to_vec(),
        })
    }

    fn add(&mut self, claim: Claim) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.running.insert(ticket, claim);
        ticket
    }

    /// Ends a claim.
    pub fn release(&mut self, ticket: u64) {
        self.running.remove(&ticket);
    }

    /// Whether nothing is claimed.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The claims.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.running.values()
    }

    /// Whether a merge has this layer among its inputs.
    pub fn has_layer(&self, id: u64) -> bool {
        self.iter().any(|claim| claim.inputs.contains(&id))
    }

    /// Whether a merge takes layers from `level` to a deeper one.
    pub fn leaves_level(&self, level: u32) -> bool {
        self.iter().any(|claim| claim.source_levels.contains(&level) && claim.target_level > level)
    }

    /// Whether a merge may write keys of `range` to `level`.
    pub fn writes_to(&self, level: u32, range: (&[u8], &[u8])) -> bool {
        self.iter()
            .any(|claim| claim.target_level == level && overlaps((&claim.smallest, &claim.largest), range))
    }
}
