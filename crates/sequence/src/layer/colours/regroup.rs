//! Makes the table of a layer anew: without the samples that were removed, in chunks of full size, with pairs
//! as few steps deep as can be.
//!
//! A merge does so with an input that lost samples, or whose chunks have become many and small. For each new
//! chunk one pass goes over all nodes of the old table and tells what each holds of it; then the chunks'
//! leaves are paired like the digits of a binary counter.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;

use super::build::ColourTableBuilder;
use super::encoded::{EncodedTable, OwnedTable};
use super::set::ColourSet;
use super::table::ColourTable;
use crate::hash::WordHasher;
use crate::layer::LayerError;

/// Stands for no node: nothing of it is left.
const NONE: u32 = u32::MAX;

/// A table made anew, in memory.
#[derive(Debug)]
pub(in crate::layer) struct Regrouped {
    /// Has no sets of its own.
    table: OwnedTable,
    /// The node of each set of the layer.
    roots: Vec<u32>,
}

/// What is the matter with a table that cannot be made anew.
#[derive(Debug)]
pub(in crate::layer) enum RegroupError {
    /// Its bytes make no sense.
    Corrupt,
    Layer(LayerError),
}

impl From<LayerError> for RegroupError {
    fn from(error: LayerError) -> Self {
        RegroupError::Layer(error)
    }
}

impl Regrouped {
    /// Makes a table of the samples at these positions, so many in a chunk, each with so many colours.
    pub(in crate::layer) fn new(
        table: &ColourTable<'_>,
        samples: &[u32],
        samples_each: usize,
        levels: u32,
    ) -> Result<Self, RegroupError> {
        let groups: Vec<&[u32]> = samples.chunks(samples_each.max(1)).collect();
        let colours = groups.iter().map(|group| group.len() as u32 * levels);
        // One more chunk, without colours or leaves, where there is but one: a builder of one chunk has no
        // nodes.
        let mut builder = ColourTableBuilder::new([], colours.chain((groups.len() < 2).then_some(0)))?;
        let mut pairs = Vec::with_capacity(table.parts().pair_count as usize);
        for pair in 0..table.parts().pair_count {
            pairs.push(table.pair(pair).ok_or(RegroupError::Corrupt)?);
        }
        let mut counter: Vec<Option<Vec<u32>>> = Vec::new();
        for (number, group) in (0..).zip(&groups) {
            let restricted = restrict(table, &pairs, group, levels, number, &mut builder)?;
            let mut digit = Vec::with_capacity(table.set_count() as usize);
            for set in 0..table.set_count() {
                digit.push(restricted[table.root(set).ok_or(RegroupError::Corrupt)? as usize]);
            }
            let mut place = 0;
            while let Some(lower) = counter.get_mut(place).and_then(Option::take) {
                digit = joined(&mut builder, lower, &digit)?;
                place += 1;
            }
            counter.resize_with(counter.len().max(place + 1), || None);
            counter[place] = Some(digit);
        }
        // The lowest places hold the last chunks.
        let mut roots: Option<Vec<u32>> = None;
        for digit in counter.into_iter().flatten() {
            roots = Some(match roots {
                None => digit,
                Some(after) => joined(&mut builder, digit, &after)?,
            });
        }
        let roots = roots.unwrap_or_else(|| vec![NONE; table.set_count() as usize]);
        Self::finish(builder.finish()?, roots).ok_or(RegroupError::Corrupt)
    }

    fn finish(table: EncodedTable<'_>, mut roots: Vec<u32>) -> Option<Self> {
        for node in roots.iter_mut().filter(|node| **node != NONE) {
            *node = table.made[*node as usize];
        }
        Some(Regrouped { table: OwnedTable::new(table)?, roots })
    }

    /// The table, which has no sets of its own.
    pub(in crate::layer) fn table(&self) -> Option<ColourTable<'_>> {
        self.table.table()
    }

    /// The node of what is left of a set of the layer; none if nothing is. A set must be there.
    pub(in crate::layer) fn root(&self, set: u32) -> Option<u32> {
        Some(self.roots[set as usize]).filter(|&node| node != NONE)
    }
}

/// The node of each pair of nodes of two neighbouring ranges of chunks.
fn joined(
    builder: &mut ColourTableBuilder<'_>,
    mut left: Vec<u32>,
    right: &[u32],
) -> Result<Vec<u32>, LayerError> {
    for (left, &right) in left.iter_mut().zip(right) {
        *left = match (*left, right) {
            (node, NONE) | (NONE, node) => node,
            (left, right) => builder.pair(left, right)?,
        };
    }
    Ok(left)
}

/// What each node of a table holds of a new chunk, as a node of the new table.
fn restrict(
    table: &ColourTable<'_>,
    pairs: &[(u32, u32)],
    samples: &[u32],
    levels: u32,
    group: u32,
    builder: &mut ColourTableBuilder<'_>,
) -> Result<Vec<u32>, RegroupError> {
    let mut nodes: Vec<u32> = vec![NONE; table.nodes() as usize];
    let mut restricted = ColourSet::empty(samples.len() as u32 * levels);
    for chunk in table.chunks() {
        // Colours of this chunk that stay, each with its place in the new one.
        let range = chunk.first_colour..chunk.first_colour + chunk.colours;
        let colours: Vec<(u32, u32)> = (0..)
            .zip(samples)
            .flat_map(|(new, &old)| {
                (0..levels).map(move |level| (old * levels + level, new * levels + level))
            })
            .filter(|(old, _)| range.contains(old))
            .map(|(old, new)| (old - range.start, new))
            .collect();
        if colours.is_empty() {
            continue;
        }
        let flat = table.flat(chunk).ok_or(RegroupError::Corrupt)?;
        let mut set = ColourSet::empty(0);
        for leaf in 0..chunk.leaves {
            flat.decode(leaf, &mut set).ok_or(RegroupError::Corrupt)?;
            restricted.clear();
            colours.iter().filter(|(old, _)| set.contains(*old)).for_each(|&(_, new)| restricted.insert(new));
            if !restricted.is_empty() {
                nodes[(chunk.first_leaf + leaf) as usize] = builder.leaf(group, restricted.words())?;
            }
        }
    }
    let mut known: HashMap<u64, u32, BuildHasherDefault<WordHasher>> = HashMap::default();
    for (at, &(left, right)) in (table.leaves() as usize..).zip(pairs) {
        nodes[at] = match (nodes[left as usize], nodes[right as usize]) {
            (node, NONE) | (NONE, node) => node,
            (left, right) => match known.entry(u64::from(left) << 32 | u64::from(right)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => *free.insert(builder.united_leaf(group, left, right)?),
            },
        };
    }
    Ok(nodes)
}
