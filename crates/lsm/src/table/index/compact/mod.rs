//! A compact index: packed heads of the separators, packed ends of the blocks, and the few separators that a head does
//! not tell whole.
//!
//! A separator is *told by its head* if it has the largest sequence and nothing but zeros after the bits that are kept
//! of the head. That holds for all but a few: separators are the shortest there are. Of the others, the *exceptions*,
//! the rest is kept too: where a key's versions lie in two blocks, where keys differ only far behind the prefix, and
//! where two keys are so much closer than usual that bits for their difference would be bits for every head.
//!
//! The lowest bit of a stored head marks an exception. So the separators not after a sought key are, with one search,
//! all those with a stored head below that of the sought key with the bit set; only if one is equal to that must
//! exceptions be compared.
//!
//! ```text
//! varints      length of the prefix, bits that are cut off a head, bytes left out at the start of each exception,
//!              number of exceptions, lengths of the seven parts that follow
//! prefix       that all separators start with
//! heads        of the separators, packed (see `packed`): those bits of the eight bytes after the prefix that are kept,
//!              and below them a bit that marks an exception
//! block ends   in the file, packed
//! exceptions   packed: the number of the block before each
//! …            packed: twice the places where the following bytes end, and 1 if they end with a sequence
//! …            bytes, for each eight exceptions: what all begin with after the prefix and what is left out; then of
//!              each the rest, and u64 sequence if it is not the largest
//! model        an index of stroma-hybrid over the stored heads; empty without separators
//! ```

mod exceptions;
mod heads;
mod layout;
mod search;
mod stored;

pub(super) use layout::lay_out;
pub(in crate::table) use stored::CompactIndex;
