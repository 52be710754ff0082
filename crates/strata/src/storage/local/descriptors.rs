//! Which files of a storage stay open. A system lets a process open some hundred or thousand files at once, and a
//! database may have more: a blob that is mapped can be read without its file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As many mapped blobs of a storage keep their file open at most. Less than the least limit that is usual, which is
/// 256, leaves something to others.
pub(super) const MOST_KEPT: usize = 128;

/// The files that are kept open.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    kept: AtomicUsize,
}

/// The place of one of them; dropping it makes room for another.
#[derive(Debug)]
pub(super) struct DescriptorPlace {
    descriptors: Arc<Descriptors>,
}

impl Descriptors {
    /// A place for one more, if there is any left.
    pub(super) fn place(self: &Arc<Self>) -> Option<DescriptorPlace> {
        let one_more = |kept| (kept < MOST_KEPT).then_some(kept + 1);
        self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(DescriptorPlace { descriptors: self.clone() })
    }
}

impl Drop for DescriptorPlace {
    fn drop(&mut self) {
        self.descriptors.kept.fetch_sub(1, Ordering::Relaxed);
    }
}
