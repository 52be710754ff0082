//! The kinds of index a table can have, and what a finished one is.

use stroma_hybrid::LayerKind;

/// A finished index section.
#[derive(Debug)]
pub(in crate::table) struct FinishedIndex {
    /// The section's bytes.
    pub(in crate::table) bytes: Vec<u8>,
    /// The number of the kind of index for the footer.
    pub(in crate::table) kind: u32,
    /// What it is made of and why.
    pub(in crate::table) explanation: String,
}

/// The number of a plain index in a footer.
pub(super) const PLAIN: u32 = 3;

/// The number of a compact index in a footer: that of the kind of layer next to the heads.
pub(super) fn compact_code(kind: Option<LayerKind>) -> u32 {
    match kind {
        Some(LayerKind::BTree) => 1,
        Some(LayerKind::Linear) => 2,
        // No separators; or a kind that this build's library has and this crate does not know.
        None | Some(_) => 0,
    }
}
