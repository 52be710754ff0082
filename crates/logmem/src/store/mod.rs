//! The key-value store on the log.

/// The number that a write of a key got: larger than any the store gave before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub u64);
