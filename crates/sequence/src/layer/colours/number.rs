//! The final numbers of a table's nodes: leaves that are kept, new leaves, pairs that are kept, new pairs.

use super::build::{Kept, Made, too_many};
use crate::layer::LayerError;
use crate::layer::packed::{PackedBuffer, PackedBuilder, width_for};

/// Numbers for nodes that had others while the table was being made: leaves that are kept, pairs that are
/// kept, what was made.
pub(super) struct Numbering {
    kept_leaves: u32,
    kept_pairs: u32,
    leaves: u32,
    nodes: u32,
    /// The number of each node that was made.
    pub(super) made: Vec<u32>,
}

impl Numbering {
    /// `leaves` are those of the whole table; those of each new chunk begin at the numbers in `first_leaf`.
    pub(super) fn new(
        kept_leaves: u32,
        kept_pairs: u32,
        leaves: u32,
        first_leaf: &[u32],
        made: &[Made],
    ) -> Result<Self, LayerError> {
        let mut nodes = leaves.checked_add(kept_pairs).ok_or_else(too_many)?;
        let mut numbers = Vec::with_capacity(made.len());
        for made in made {
            numbers.push(match *made {
                Made::Leaf { group, leaf } => first_leaf[group as usize] + leaf,
                Made::Pair(..) => {
                    nodes = nodes.checked_add(1).ok_or_else(too_many)?;
                    nodes - 1
                }
            });
        }
        Ok(Numbering { kept_leaves, kept_pairs, leaves, nodes, made: numbers })
    }

    /// The place of a node among those that were made; none of one that is kept.
    fn place_made(&self, node: u32) -> Option<usize> {
        node.checked_sub(self.kept_leaves + self.kept_pairs).map(|place| place as usize)
    }

    /// The final number of a node.
    pub(super) fn number(&self, node: u32) -> u32 {
        match self.place_made(node) {
            Some(place) => self.made[place],
            None if node < self.kept_leaves => node,
            None => node - self.kept_leaves + self.leaves,
        }
    }

    /// Bits of a node's number.
    pub(super) fn width(&self) -> u32 {
        width_for(self.nodes.into())
    }

    pub(super) fn pair_count(&self) -> u32 {
        self.nodes - self.leaves
    }

    /// All pairs: those that are kept, with the same nodes under their new numbers, and those that were made.
    pub(super) fn pairs(&self, kept: &[Kept<'_>], made: &[Made]) -> PackedBuffer {
        let mut pairs = PackedBuilder::with_capacity(self.width(), 2 * self.pair_count() as usize);
        let mut push = |(left, right): (u32, u32)| {
            pairs.push(u64::from(left));
            pairs.push(u64::from(right));
        };
        for Kept { table, first_leaf, first_pair } in kept {
            let place = |node: u32| match node.checked_sub(table.leaves()) {
                None => first_leaf + node,
                Some(pair) => self.leaves + first_pair + pair,
            };
            for pair in 0..table.parts().pair_count {
                // A pair that names what comes behind it is forged: it becomes one that is refused when it is
                // read.
                let nodes = table.pair(pair).map(|(left, right)| (place(left), place(right)));
                push(nodes.unwrap_or((self.nodes, self.nodes)));
            }
        }
        for made in made {
            if let Made::Pair(left, right) = *made {
                push((self.number(left), self.number(right)));
            }
        }
        pairs.finish()
    }

    /// Most pairs between a node and its leaves.
    pub(super) fn depth(&self, kept: &[Kept<'_>], made: &[Made]) -> u8 {
        let of_kept = kept.iter().map(|kept| kept.table.depth()).max().unwrap_or(0);
        let (mut depths, mut deepest): (Vec<u8>, u8) = (Vec::with_capacity(made.len()), of_kept);
        for made in made {
            let depth_of = |node: u32| match self.place_made(node) {
                Some(place) => depths[place],
                None if node < self.kept_leaves => 0,
                None => of_kept,
            };
            let depth = match *made {
                Made::Leaf { .. } => 0,
                Made::Pair(left, right) => depth_of(left).max(depth_of(right)).saturating_add(1),
            };
            depths.push(depth);
            deepest = deepest.max(depth);
        }
        deepest
    }
}
