//! What reading gives and what conditional writing expects.

use std::fmt;
use std::ops::Deref;

use crate::memory::Pinned;

/// The number that a write of a key got: larger than any the key had before, also across removals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub(crate) u64);

impl Version {
    /// The number itself.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The version that [`to_bits`](Version::to_bits) gave.
    pub fn from_bits(bits: u64) -> Version {
        Version(bits)
    }
}

/// The state in which a conditional write wants to find the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Any state: the write always happens.
    Any,
    /// The key is not in the store.
    Absent,
    /// The key is there with exactly this version.
    Version(Version),
}

impl Expected {
    pub(super) fn allows(self, found: Option<Version>) -> bool {
        match self {
            Expected::Any => true,
            Expected::Absent => found.is_none(),
            Expected::Version(version) => found == Some(version),
        }
    }
}

/// A value read in place.
///
/// As long as it lives, memory that the cleaner frees cannot be used again, anywhere in the process: hold it
/// briefly, copy what must last. It does not block writers, but a writer that runs out of memory meanwhile
/// gets [`Error::OutOfMemory`](crate::Error::OutOfMemory) rather than waiting for it.
pub struct ValueGuard<'a> {
    pub(super) value: Pinned<'a>,
    pub(super) version: Version,
}

impl ValueGuard<'_> {
    /// The version that the value was written with.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl Deref for ValueGuard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.value.bytes()
    }
}

impl fmt::Debug for ValueGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ValueGuard").field("version", &self.version).field("value", &&**self).finish()
    }
}
