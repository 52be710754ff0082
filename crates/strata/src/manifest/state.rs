//! What the manifest says, and how an edit changes it: pure data, no storage.

use std::collections::BTreeMap;
use std::fmt;

use super::Records;
use crate::layer::LayerDescriptor;

/// The state after some edit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// Counts the writers; each raises it by one.
    pub(crate) epoch: u64,
    /// A recency larger than any given out so far.
    pub(crate) next_recency: u64,
    pub(crate) layers: BTreeMap<u64, LayerDescriptor>,
    pub(crate) records: Records,
}

/// A change from one state to the next. A snapshot is the change from the empty state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edit {
    pub(crate) epoch: u64,
    pub(crate) next_recency: u64,
    pub(crate) removed: Vec<u64>,
    /// May name a removed id again: the layer moved to another level.
    pub(crate) added: Vec<LayerDescriptor>,
    pub(crate) deleted_records: Vec<String>,
    pub(crate) put_records: Vec<(String, Vec<u8>)>,
}

/// Why an edit does not fit a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It removes a layer that is not there.
    Unknown(u64),
    /// It adds a layer that is there.
    Duplicate(u64),
    /// It was written by a writer that had been replaced.
    OldEpoch(u64),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Unknown(id) => write!(f, "the edit removes layer {id}, which is not there"),
            Misfit::Duplicate(id) => write!(f, "the edit adds layer {id}, which is there already"),
            Misfit::OldEpoch(epoch) => write!(f, "the edit is of epoch {epoch}, which had ended"),
        }
    }
}

impl State {
    /// The state after `edit`.
    pub(crate) fn apply(mut self, edit: &Edit) -> Result<State, Misfit> {
        if edit.epoch < self.epoch {
            return Err(Misfit::OldEpoch(edit.epoch));
        }
        self.epoch = edit.epoch;
        self.next_recency = self.next_recency.max(edit.next_recency);
        for id in &edit.removed {
            self.layers.remove(id).ok_or(Misfit::Unknown(*id))?;
        }
        for layer in &edit.added {
            self.next_recency = self.next_recency.max(layer.recency.saturating_add(1));
            if self.layers.insert(layer.id, layer.clone()).is_some() {
                return Err(Misfit::Duplicate(layer.id));
            }
        }
        for name in &edit.deleted_records {
            self.records.remove(name);
        }
        self.records.extend(edit.put_records.iter().cloned());
        Ok(self)
    }

    /// The edit that makes this state out of nothing.
    pub(crate) fn snapshot(&self) -> Edit {
        Edit {
            epoch: self.epoch,
            next_recency: self.next_recency,
            removed: Vec::new(),
            added: self.layers.values().cloned().collect(),
            deleted_records: Vec::new(),
            put_records: self.records.iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect(),
        }
    }
}

/// A line for each thing, for people and for tests.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "epoch {}, next recency {}", self.epoch, self.next_recency)?;
        let mut layers: Vec<&LayerDescriptor> = self.layers.values().collect();
        layers.sort_by_key(|layer| (layer.level, std::cmp::Reverse(layer.recency), &layer.smallest));
        for layer in layers {
            write!(f, "layer {} level {} recency {}: ", layer.id, layer.level, layer.recency)?;
            let (smallest, largest) = (layer.smallest.escape_ascii(), layer.largest.escape_ascii());
            writeln!(f, "{} bytes, {} entries, {smallest}..{largest}", layer.bytes, layer.entries)?;
        }
        for (name, bytes) in self.records.iter() {
            writeln!(f, "record {name}: {}", bytes.escape_ascii())?;
        }
        Ok(())
    }
}
