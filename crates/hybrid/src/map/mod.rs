//! A sorted map that takes inserts in place: a B+-tree whose nodes may be learned, each by its own data.
//!
//! [`HybridMap`] keeps fixed-width keys with copyable values. All leaves are equally deep. Each node is of the
//! kind that a [`MapPolicy`] chose when it was written, from the entries that were to go into it:
//!
//! - *route*, a learned inner node: up to 512 children; a line cuts the key space into stretches, and a table
//!   says which pivots lie in each, so that on smooth keys two or three comparisons are enough;
//! - *branch*, the inner node of a B-tree: up to 64 children, counted through;
//! - *gapped leaf*, learned: entries lie where a line predicts them, gaps between them take inserts;
//! - *packed leaf*: entries lie at the beginning, an insert moves half of them.
//!
//! A node is 32 bits in its parent ([`NodeRef`]): two for the kind, thirty for the index in the arena of that
//! kind. Blocks have the sizes that the [`Config`] gives them, one type of no size.
//!
//! ```
//! use stroma_hybrid::map::U64Map;
//!
//! let mut map = U64Map::<u32>::new();
//! for i in 0..10_000u64 {
//!     map.insert(i * i, i as u32);
//! }
//! assert_eq!(map.get(49), Some(7));
//! assert_eq!(map.lower_bound(50), Some((64, 8)));
//! assert_eq!(map.range(49..=100).map(|(_, value)| value).collect::<Vec<_>>(), [7, 8, 9, 10]);
//! println!("{}", map.explain());
//! ```
//!
//! # What bounds it
//! Updatable learned indexes can be attacked: ALEX lets a node grow to make its model fit, and keys chosen for
//! it make it grow without end (Yang and others, "Algorithmic complexity attacks on dynamic learned indexes",
//! VLDB 2024). Here a line only ever decides *where in a block of fixed size* something lies, never how large
//! a block is, nor how deep the tree. For any keys in any order:
//!
//! - **Bytes**: a leaf splits only when it and both neighbours are full to 29/32 on average (a B*-tree, Knuth,
//!   *The Art of Computer Programming* 3, 6.2.4), so four leaves come of what filled 2.7, and leaves are never
//!   less than two thirds full on average, but for the first and the last one. Inner nodes and heads add some
//!   percent.
//! - **Height**: O(log n), all leaves equally deep, inner nodes at least a third full.
//! - **Work of an insert**: in its leaf, O(slots); now and then four leaves are rewritten; at worst a node on
//!   each level is split as well, O(log n) blocks. Lines are drawn anew only after a share of the block's size
//!   of inserts went badly. An arena never copies more than a chunk of 256 KiB.
//! - **Work of a lookup**: O(log n) comparisons. A wrong prediction is corrected by doubling steps.

mod arena;
mod block;
mod branch;
mod bulk;
mod config;
mod descend;
mod explain;
mod file;
mod grow;
mod inner;
mod leaf;
mod leaves;
#[expect(clippy::module_inception, reason = "the map is what the folder is for")]
mod map;
mod moving;
mod node_ref;
mod policy;
mod range;
mod room;
mod route;
mod search;
mod slots;
mod tally;
mod write;

#[cfg(test)]
mod audit;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use config::{BytesMap, Config, I64Map, Standard, StandardMap, U32Map, U64Map, U128Map};
pub use file::{FileLeaves, MapFileError, MappedMap};
pub use leaves::{HeapLeaves, Leaves};
pub use map::HybridMap;
pub use node_ref::{NodeKind, NodeRef};
pub use policy::{AlwaysLearned, AlwaysPlain, InnerFacts, LeafFacts, MapCostPolicy, MapPolicy, Verdict};
pub use range::Range;
