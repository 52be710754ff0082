//! Which sequences a reader sees.

use crate::entry::{MAX_SEQUENCE, Sequence};

/// Where a transaction's own uncommitted writes have their sequences: from here up, above every committed
/// one, so that they come first among the versions of a key.
pub(crate) const OWN_WRITES: Sequence = 1 << 55;

/// The sequences that a reader sees: those of its snapshot, and in a transaction its own writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visibility {
    snapshot: Sequence,
    own_from: Sequence,
}

impl Visibility {
    /// What was written up to and with `snapshot`.
    pub(crate) fn at(snapshot: Sequence) -> Self {
        Self { snapshot, own_from: MAX_SEQUENCE + 1 }
    }

    /// What was written up to and with `snapshot`, and sequences from [`OWN_WRITES`] up.
    pub(crate) fn with_own_writes(snapshot: Sequence) -> Self {
        Self { snapshot, own_from: OWN_WRITES }
    }

    /// The snapshot's sequence.
    pub(crate) fn snapshot(self) -> Sequence {
        self.snapshot
    }

    /// Whether a write of this sequence is seen.
    #[inline]
    pub(crate) fn sees(self, sequence: Sequence) -> bool {
        sequence <= self.snapshot || sequence >= self.own_from
    }
}
