//! An ordered index over entries that lie elsewhere: a B+-tree with one inserter, and readers that never wait.
//!
//! A node ([`node`]) has 15 slots, filled in the order in which entries come, and one word ([`order`]) that lists
//! them in the order of their keys. To insert is to write a free slot and then that word, so that readers see an
//! entry wholly or not at all. (The idea is Masstree's permutation: Mao, Kohler, Morris, "Cache Craftiness for Fast
//! Multicore Key-Value Storage", EuroSys 2012, section 4.6.2.)
//!
//! Entries are never removed, and only a split moves some: it copies the upper half of a node to a new one on its
//! right, links that, tells the parent ([`insert`]), and only then makes the old node forget the half, counting
//! up a word that readers compare before and after they look at slots. Readers ([`read`]) start anew if a node was
//! split under them and at no other time. Leaves are linked to the right, so that whoever comes by an old parent
//! goes on there (Lehman and Yao, "Efficient Locking for Concurrent Operations on B-Trees", TODS 1981).
//!
//! All words are atomics in an arena of cache lines that never move ([`lines`]); nothing is freed before the tree.

mod build;
mod insert;
mod leaves;
mod lines;
mod node;
mod order;
mod read;
mod search;
mod sync;

pub(crate) use build::{Child, LeafRoom};
pub(crate) use insert::Inserter;
pub(crate) use leaves::LeafEntries;
pub(crate) use lines::Full;
pub(crate) use read::{Place, Tree};
pub(crate) use search::{Entry, Keys};

#[cfg(all(test, shuttle))]
mod models;
#[cfg(all(test, shuttle))]
mod pausing;
#[cfg(test)]
mod tests;
