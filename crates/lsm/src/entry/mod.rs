//! What an entry is, in every source: a user key, the sequence that wrote it, its kind and its value.

mod bound;
mod kind;
mod limits;
mod marked;
mod order;

pub(crate) use bound::{KeyBound, copy_bytes, copy_key, is_same_key};
pub(crate) use kind::Kind;
pub(crate) use limits::{
    MAX_BOUND_BYTES, MAX_KEY_BYTES, MAX_MARK_BYTES, MAX_VALUE_BYTES, check_bounds, check_key, check_value,
};
pub(crate) use marked::{Filtered, Marked, Moment, NEVER, Seen, Timestamp};
pub use order::Sequence;
pub(crate) use order::{EntryRef, MAX_SEQUENCE, compare, successor};
