//! What the index must be told to move words that do not tell their buckets: the hashes of keys, which lie where
//! the words point.

use crate::location::Location;
use crate::sync::epoch::Guard;

/// Whoever keeps the entries.
pub(crate) trait Keys {
    /// The hash of the key at a location, `None` if nothing lies there any more.
    fn hash_at(&self, at: Location, guard: &Guard) -> Option<u64>;

    /// Begins to load what lies there. Several at once take hardly longer than one.
    fn touch(&self, _at: Location, _guard: &Guard) {}
}
