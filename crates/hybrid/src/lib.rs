//! A hybrid index over sorted fixed-width keys: B-tree layers and learned layers in one tree.
//!
//! The keys lie sorted in an array that stays outside: a slice, or the bytes of a memory-mapped file. The
//! index answers at which position a key stands or would stand. It is made of layers; a [`Layer`], *given
//! a key and a range of candidates, gives a smaller range*. There are four kinds:
//!
//! - a [`BTreeLayer`] keeps every n-th key. It costs the same on all data;
//! - an [`SPlusLayer`] is a whole B+-tree over every n-th key, in nodes that suit cache lines and vector
//!   instructions;
//! - a [`LinearLayer`] keeps straight lines, as few as can be, that are never off by more than a known error.
//!   On data that is smooth in places a handful of lines replaces a whole tree;
//! - a [`RadixSplineLayer`] keeps a spline and a table by leading bits: on keys spread evenly, one look leads
//!   to the right piece.
//!
//! Which of them is best depends on the keys, so a [`Policy`] decides for each layer as the index is
//! built, and the index records what was decided and why ([`Index::explain`]).
//!
//! ```
//! use stroma_hybrid::{CostModelPolicy, Index, IndexRef};
//!
//! let keys: Vec<u64> = (0..10_000).map(|i| i * i).collect();
//! let index = Index::build(&keys, &CostModelPolicy::default())?;
//! assert_eq!(index.get(&keys, 49), Some(7));
//! assert_eq!(index.lower_bound(&keys, 50), 8);
//! assert_eq!(index.range(&keys, 49..=100), 7..11);
//! println!("{}", index.explain());
//!
//! // The same index over borrowed bytes, such as a mapped file's.
//! let bytes = index.to_bytes();
//! let mapped = IndexRef::<u64>::open(&bytes, keys.len())?;
//! assert_eq!(mapped.lower_bound(&keys, 50), 8);
//! # Ok::<(), stroma_hybrid::Error>(())
//! ```
//!
//! For keys that come one by one there is a map that takes them in place: [`map`].
//!
//! An index is only ever a hint: the last step of a query proves its answer against the keys, so answers
//! are right for any sorted keys, and O(log n) for the keys the index was built over.
//!
//! Where the keys lie as bytes in a file use [`LittleEndianKeys`]; they need no alignment. Byte strings go
//! through [`PrefixedHead`]. Keys that come as a stream go into an [`IndexBuilder`]; many lookups at once into
//! [`lower_bound_batch`](Index::lower_bound_batch), where their waits for memory overlap. When the layers are
//! known as the program is written, take a [`ComposedIndex`], such as [`SmoothIndex`] or [`HardIndex`], or
//! compose your own with [`Stack`]: no branch is left at run time.

#![deny(unsafe_code)]

mod any;
mod btree;
mod builder;
mod composed;
mod cost;
mod error;
mod explain;
mod format;
mod growth;
mod index;
mod key;
#[cfg(test)]
#[path = "../tests/shared/key_sets.rs"]
mod key_sets;
mod layer;
mod linear;
pub mod map;
pub mod mapped;
pub mod pages;
mod policy;
mod prefixed;
mod processor;
mod search;
mod separators;
mod source;
mod spline;
mod splus;
mod stored;
mod walk;

pub use any::{LayerKind, LayerPlan};
pub use btree::{BTreeLayer, BTreeLayerBuilder};
pub use builder::IndexBuilder;
pub use composed::{ComposedIndex, Config, EvenIndex, HardIndex, Lines, SmoothIndex, Spline, Tree};
pub use cost::CostModel;
pub use error::Error;
pub use index::{HybridIndex, Index, IndexRef};
pub use key::Key;
pub use layer::{Layer, Stack};
pub use linear::{LinearLayer, LinearLayerBuilder, PieceKeys};
pub use policy::{Below, Choice, CostModelPolicy, ForcePolicy, Offer, Policy, Reason};
pub use prefixed::{Head, PrefixedHead};
pub use processor::{prefetch, prefetch_line};
pub use source::{KeySource, LittleEndianKeys};
pub use spline::{RadixSplineLayer, RadixSplineLayerBuilder};
pub use splus::{SPlusLayer, SPlusLayerBuilder};
pub use walk::Walk;
