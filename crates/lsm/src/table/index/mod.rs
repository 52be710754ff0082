//! The index of a table: which block may hold a position in the order of entries.
//!
//! Between any two neighbouring blocks stands a *separator*, a position after every entry of the one and not
//! after any of the other: a short key with the largest sequence where the user key changes there, else the
//! key itself with the sequence just after the last one. The block of a position is then the number of
//! separators not after it, and the first entry at or after the position is in that block or is the first of
//! the next; if it is a version of the sought key, it is in that block.
//!
//! Separators share a prefix, which is kept once. The eight bytes after it, as a number, are the separator's
//! *head*; the heads are sorted numbers, of which only those bits are kept that tell the separators apart, packed
//! along straight lines, and a hybrid index (`stroma-hybrid`) finds its way among them. Only where a head does not say
//! all of a separator is that kept whole. See [`compact`]; [`plain`] is the usual index, to compare with.

mod block_index;
mod compact;
mod kind;
mod packed;
mod plain;
mod separators;

pub(super) use block_index::BlockIndex;
pub use kind::IndexKind;
pub(super) use separators::IndexBuilder;

#[cfg(test)]
mod tests;
