//! What reading gives and what conditional writing expects.

use std::fmt;
use std::ops::Deref;

use super::departures::Held;

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

/// A value read in place, or a copy of it if too many are held already.
///
/// As long as it lives, the segment that it lies in cannot be used anew; nothing else is held up. When it was
/// copied, it holds up nothing at all. It may be sent to other threads.
pub struct ValueGuard<'a> {
    pub(super) held: Held<'a>,
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
        self.held.bytes()
    }
}

impl fmt::Debug for ValueGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ValueGuard").field("version", &self.version).field("value", &&**self).finish()
    }
}
