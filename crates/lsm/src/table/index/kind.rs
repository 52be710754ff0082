//! The kinds of index a table can have, and what a finished one is.

use std::fmt;

use stroma_hybrid::LayerKind;

/// How a table finds the block of a key. A table records its kind, and why it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexKind {
    /// None: it has one block at most.
    None,
    /// Packed heads under B-tree layers.
    BTree,
    /// Packed heads under straight lines.
    Linear,
    /// Whole separators, binary search.
    Plain,
    /// Packed heads under a static B+-tree for vector instructions.
    SPlus,
    /// Packed heads under a spline with a table by leading bits.
    RadixSpline,
    /// Packed heads under layers of another kind of the library's.
    Other,
}

impl IndexKind {
    /// The kind of a compact index whose layer next to the heads is of kind `layer`.
    pub(super) fn compact(layer: Option<LayerKind>) -> IndexKind {
        match layer {
            None => IndexKind::None,
            Some(LayerKind::BTree) => IndexKind::BTree,
            Some(LayerKind::Linear) => IndexKind::Linear,
            Some(LayerKind::SPlus) => IndexKind::SPlus,
            Some(LayerKind::RadixSpline) => IndexKind::RadixSpline,
            Some(_) => IndexKind::Other,
        }
    }

    /// Its number in a footer.
    pub(in crate::table) fn code(self) -> u32 {
        match self {
            IndexKind::None => 0,
            IndexKind::BTree => 1,
            IndexKind::Linear => 2,
            IndexKind::Plain => 3,
            IndexKind::SPlus => 4,
            IndexKind::RadixSpline => 5,
            IndexKind::Other => 6,
        }
    }
}

impl fmt::Display for IndexKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            IndexKind::None => "none",
            IndexKind::BTree => "B-tree",
            IndexKind::Linear => "linear",
            IndexKind::Plain => "plain",
            IndexKind::SPlus => "S+-tree",
            IndexKind::RadixSpline => "radix spline",
            IndexKind::Other => "other",
        })
    }
}

/// A finished index section.
#[derive(Debug)]
pub(in crate::table) struct FinishedIndex {
    /// The section's bytes.
    pub(in crate::table) bytes: Vec<u8>,
    /// The kind for the footer.
    pub(in crate::table) kind: IndexKind,
    /// What it is made of and why.
    pub(in crate::table) explanation: String,
}
