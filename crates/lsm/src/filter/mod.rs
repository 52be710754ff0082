//! Membership filters: a few bits a key that tell for most absent keys that a table does not hold them.
//!
//! A filter knows keys by their [`key_hash`]. It may answer "perhaps" for an absent key and never "no" for a
//! present one. The kind is chosen when a table is written and named in its footer; a reader asks any kind
//! through [`Filter`].

mod blocked_bloom;
mod policy;

pub(crate) use blocked_bloom::BlockedBloom;
pub use policy::FilterPolicy;
pub(crate) use policy::{FilterKind, open};

/// What a filter can be asked.
pub(crate) trait Filter {
    /// Whether a key of this hash may be among the keys; `false` is certain.
    fn may_contain(&self, hash: u64) -> bool;
}

/// The hash under which filters know a user key: XXH3-64.
#[inline]
pub(crate) fn key_hash(user_key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(user_key)
}
