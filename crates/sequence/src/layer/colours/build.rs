//! Makes a colour-set table: from sets, from tables that are taken as they are, or from both.
//!
//! A merge knows its inputs' tables from the beginning: their chunks come first, their nodes keep their
//! order. What it makes itself, new leaves of new chunks and pairs of what meets, gets numbers of its own
//! meanwhile; the final ones are known at the end, when it is known how many leaves there are.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::encoded::{EncodedChunks, EncodedTable};
use super::flat::FlatSets;
use super::number::Numbering;
use super::table::ColourTable;
use crate::hash::WordHasher;
use crate::layer::LayerError;
use crate::layer::packed::PackedBuffer;

/// Words to words.
type Words<K> = HashMap<K, u32, BuildHasherDefault<WordHasher>>;

/// Collects the nodes and sets of one layer.
pub(in crate::layer) struct ColourTableBuilder<'a> {
    kept: Vec<Kept<'a>>,
    /// Leaves and pairs of all tables that are kept. Numbers of nodes begin with these leaves, then these
    /// pairs, then what is made.
    kept_leaves: u32,
    kept_pairs: u32,
    groups: Vec<Group>,
    made: Vec<Made>,
    pair_of: Words<u64>,
    set_of: Words<u32>,
    roots: Vec<u32>,
}

/// A table that is taken as it is.
pub(super) struct Kept<'a> {
    pub(super) table: ColourTable<'a>,
    pub(super) first_leaf: u32,
    pub(super) first_pair: u32,
}

/// A new chunk.
struct Group {
    sets: FlatSets,
    /// The node of each of its sets.
    nodes: Vec<u32>,
}

/// A node that no input has.
#[derive(Clone, Copy)]
pub(super) enum Made {
    Leaf { group: u32, leaf: u32 },
    Pair(u32, u32),
}

impl<'a> ColourTableBuilder<'a> {
    /// A table of these tables' chunks, and behind them of new chunks with so many colours each.
    pub(in crate::layer) fn new(
        tables: impl IntoIterator<Item = ColourTable<'a>>,
        groups: impl IntoIterator<Item = u32>,
    ) -> Result<Self, LayerError> {
        let (mut kept, mut kept_leaves, mut kept_pairs) = (Vec::new(), 0_u32, 0_u32);
        for table in tables {
            kept.push(Kept { table, first_leaf: kept_leaves, first_pair: kept_pairs });
            let sum = |one: u32, other| one.checked_add(other).ok_or_else(too_many);
            kept_leaves = sum(kept_leaves, table.leaves())?;
            kept_pairs = sum(kept_pairs, table.parts().pair_count)?;
        }
        kept_leaves.checked_add(kept_pairs).ok_or_else(too_many)?;
        let group = |colours| Group { sets: FlatSets::new(colours), nodes: Vec::new() };
        Ok(ColourTableBuilder {
            kept,
            kept_leaves,
            kept_pairs,
            groups: groups.into_iter().map(group).collect(),
            made: Vec::new(),
            pair_of: Words::default(),
            set_of: Words::default(),
            roots: Vec::new(),
        })
    }

    /// Whether all sets are the leaves of one new chunk.
    fn is_flat(&self) -> bool {
        self.kept.is_empty() && self.groups.len() == 1
    }

    /// The number that a node of a kept table has here.
    pub(in crate::layer) fn kept_node(&self, table: usize, node: u32) -> u32 {
        let Kept { table, first_leaf, first_pair } = &self.kept[table];
        match node.checked_sub(table.leaves()) {
            None => first_leaf + node,
            Some(pair) => self.kept_leaves + first_pair + pair,
        }
    }

    /// The node of what a set holds of a new chunk, given as the words of a bitmap.
    pub(in crate::layer) fn leaf(&mut self, group: u32, set: &[u64]) -> Result<u32, LayerError> {
        let is_flat = self.is_flat();
        let own = &mut self.groups[group as usize];
        let leaf = own.sets.id_of(set)?;
        if is_flat {
            return Ok(leaf);
        }
        if let Some(&node) = own.nodes.get(leaf as usize) {
            return Ok(node);
        }
        let node = self.make(Made::Leaf { group, leaf })?;
        self.groups[group as usize].nodes.push(node);
        Ok(node)
    }

    /// The node of the union of two leaves of a new chunk.
    pub(super) fn united_leaf(&mut self, group: u32, left: u32, right: u32) -> Result<u32, LayerError> {
        let words = |node: u32| match self.made[(node - self.kept_leaves - self.kept_pairs) as usize] {
            Made::Leaf { group, leaf } => self.groups[group as usize].sets.words(leaf),
            Made::Pair(..) => &[],
        };
        let union: Vec<u64> =
            words(left).iter().zip(words(right)).map(|(left, right)| left | right).collect();
        self.leaf(group, &union)
    }

    /// The node of the union of two others. The chunks of the first come before those of the other.
    pub(in crate::layer) fn pair(&mut self, left: u32, right: u32) -> Result<u32, LayerError> {
        let key = u64::from(left) << 32 | u64::from(right);
        if let Some(&node) = self.pair_of.get(&key) {
            return Ok(node);
        }
        let node = self.make(Made::Pair(left, right))?;
        self.pair_of.insert(key, node);
        Ok(node)
    }

    fn make(&mut self, made: Made) -> Result<u32, LayerError> {
        let first = u64::from(self.kept_leaves) + u64::from(self.kept_pairs);
        let node = u32::try_from(first + self.made.len() as u64).ok().filter(|&node| node < u32::MAX);
        self.made.push(made);
        node.ok_or_else(too_many)
    }

    /// The node of the union of nodes, each in one of `slots` places, ascending. Where the same nodes stand
    /// in the same half of the places they are one node.
    pub(in crate::layer) fn union(
        &mut self,
        nodes: &[(u32, u32)],
        slots: u32,
    ) -> Result<Option<u32>, LayerError> {
        self.union_of(nodes, 0, slots.next_power_of_two())
    }

    fn union_of(&mut self, nodes: &[(u32, u32)], begin: u32, slots: u32) -> Result<Option<u32>, LayerError> {
        if let [] | [_] = nodes {
            return Ok(nodes.first().map(|&(_, node)| node));
        }
        let half = slots / 2;
        let (left, right) = nodes.split_at(nodes.partition_point(|&(slot, _)| slot < begin + half));
        let left = self.union_of(left, begin, half)?;
        let right = self.union_of(right, begin + half, half)?;
        match (left, right) {
            (Some(left), Some(right)) => self.pair(left, right).map(Some),
            (one, other) => Ok(one.or(other)),
        }
    }

    /// The id of the set that a node stands for, the same for the same node.
    pub(in crate::layer) fn set_id(&mut self, node: u32) -> u32 {
        if self.is_flat() {
            return node;
        }
        let next = self.roots.len() as u32;
        let id = *self.set_of.entry(node).or_insert(next);
        if id == next {
            self.roots.push(node);
        }
        id
    }

    pub(in crate::layer) fn finish(self) -> Result<EncodedTable<'a>, LayerError> {
        let is_flat = self.is_flat();
        let ColourTableBuilder { kept, kept_leaves, kept_pairs, groups, made, roots, .. } = self;
        let mut chunks = EncodedChunks::default();
        kept.iter().for_each(|kept| chunks.push_kept(&kept.table));
        let mut first_leaf = Vec::with_capacity(groups.len());
        let mut leaves = kept_leaves;
        for group in groups {
            first_leaf.push(leaves);
            leaves = leaves.checked_add(group.sets.len()).ok_or_else(too_many)?;
            chunks.push_new(group.sets.finish());
        }
        if is_flat {
            return Ok(EncodedTable { set_count: leaves, ..chunks.table() });
        }
        let numbering = Numbering::new(kept_leaves, kept_pairs, leaves, &first_leaf, &made)?;
        let set_count = roots.len() as u32;
        let roots = roots.iter().map(|&node| u64::from(numbering.number(node)));
        Ok(EncodedTable {
            roots: Some(PackedBuffer::from_values(roots, numbering.width())),
            pairs: numbering.pairs(&kept, &made),
            pair_count: numbering.pair_count(),
            depth: numbering.depth(&kept, &made),
            set_count,
            made: numbering.made,
            ..chunks.table()
        })
    }
}

pub(super) fn too_many() -> LayerError {
    LayerError::TooMany { what: "different sets of samples", limit: u64::from(u32::MAX) }
}
