//! Who holds a segment, in one word: what kind of user it is, and which one.

// The real ones also for a model checker: the counter below is shared by all its runs, and orders nothing.
use std::sync::atomic::{AtomicU64, Ordering};

/// What the segments of a pool may be used for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum SegmentOwner {
    /// Nobody: it waits for its next use.
    Free,
    /// Set aside, with nothing in it yet: a cleaner's reserve, or a segment on its way to its owner.
    Reserve,
    /// Emptied, and not yet free because some reader may still be looking at it.
    Leaving,
    /// A [`Log`](crate::Log), such as a memtable's.
    Log,
    /// A [`Store`](crate::Store).
    Store,
    /// A cache.
    Cache,
}

impl SegmentOwner {
    /// The word for it, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            SegmentOwner::Free => "free",
            SegmentOwner::Reserve => "reserve",
            SegmentOwner::Leaving => "leaving",
            SegmentOwner::Log => "log",
            SegmentOwner::Store => "store",
            SegmentOwner::Cache => "cache",
        }
    }
}

const KINDS: [SegmentOwner; 6] = [
    SegmentOwner::Free,
    SegmentOwner::Reserve,
    SegmentOwner::Leaving,
    SegmentOwner::Log,
    SegmentOwner::Store,
    SegmentOwner::Cache,
];
const KIND_BITS: u32 = 8;

/// The word of one owner: kind below, number above. No two owners of one process have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owner(u64);

static LAST: AtomicU64 = AtomicU64::new(0);

impl Owner {
    pub(super) const FREE: Owner = Owner(SegmentOwner::Free as u64);
    pub(super) const RESERVE: Owner = Owner(SegmentOwner::Reserve as u64);
    pub(super) const LEAVING: Owner = Owner(SegmentOwner::Leaving as u64);

    /// An owner that was never there before.
    pub(super) fn unique(kind: SegmentOwner) -> Owner {
        Owner((LAST.fetch_add(1, Ordering::Relaxed) + 1) << KIND_BITS | kind as u64)
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// The kind in an owner's word.
    pub(super) fn kind(word: u64) -> SegmentOwner {
        KINDS.get((word & ((1 << KIND_BITS) - 1)) as usize).copied().unwrap_or(SegmentOwner::Free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_kinds_and_differ() {
        for kind in KINDS {
            let (one, other) = (Owner::unique(kind), Owner::unique(kind));
            assert_ne!(one, other);
            assert_eq!(Owner::kind(one.word()), kind);
        }
        assert_eq!(Owner::kind(Owner::LEAVING.word()), SegmentOwner::Leaving);
    }
}
