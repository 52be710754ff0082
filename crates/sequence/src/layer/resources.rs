//! What building and merging may take: threads, and bytes of memory.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::LayerError;

/// Which layers are made cold: their k-mers kept as strings of overlaps, which take a third of the space, but longer
/// to build and to merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColdLayers {
    /// Merges into the deepest level, that of everything included, from a million k-mers on.
    #[default]
    Automatic,
    /// Every merge.
    Always,
    /// None. Layers that are cold stay so until they are merged.
    Never,
}

impl ColdLayers {
    /// From so many k-mers on a layer is worth it: some 5 MB in partitions.
    const LEAST_KMERS: u64 = 1 << 20;

    /// Whether a merge of so many k-mers is to be written cold.
    pub(super) fn wants(self, is_deepest: bool, kmers: u64) -> bool {
        match self {
            ColdLayers::Automatic => is_deepest && kmers >= Self::LEAST_KMERS,
            ColdLayers::Always => true,
            ColdLayers::Never => false,
        }
    }
}

/// A merge that should have been written cold, and was not, for want of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftHot {
    /// The memory under which it would have been, in bytes: an estimate.
    pub needed_bytes: u64,
    /// The memory that was allowed, in bytes.
    pub allowed_bytes: u64,
}

/// What building and merging may take; may be changed at any time.
#[derive(Debug)]
pub(crate) struct Resources {
    threads: AtomicUsize,
    memory_bytes: AtomicU64,
    cold_layers: Mutex<ColdLayers>,
    left_hot: Mutex<Option<LeftHot>>,
}

impl Resources {
    pub(crate) fn new(threads: usize, memory_bytes: u64) -> Self {
        Resources {
            threads: AtomicUsize::new(threads),
            memory_bytes: AtomicU64::new(memory_bytes),
            cold_layers: Mutex::default(),
            left_hot: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, threads: usize, memory_bytes: u64) {
        self.threads.store(threads.max(1), Ordering::Relaxed);
        self.memory_bytes.store(memory_bytes, Ordering::Relaxed);
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// The memory that partitions being sorted or merged may take together; the rest is for what waits for them.
    pub(crate) fn partition_bytes(&self) -> u64 {
        self.memory_bytes() / 2
    }

    pub(crate) fn set_cold_layers(&self, cold_layers: ColdLayers) {
        *self.cold_layers.lock() = cold_layers;
    }

    pub(super) fn cold_layers(&self) -> ColdLayers {
        *self.cold_layers.lock()
    }

    /// The last merge of this process that should have been cold, if it was not.
    pub(crate) fn left_hot(&self) -> Option<LeftHot> {
        *self.left_hot.lock()
    }

    pub(super) fn note_left_hot(&self, needed_bytes: u64, allowed_bytes: u64) {
        *self.left_hot.lock() = Some(LeftHot { needed_bytes, allowed_bytes });
    }

    pub(super) fn note_cold(&self) {
        *self.left_hot.lock() = None;
    }

    /// Fails where so many bytes do not fit one of `shares` equal shares of the memory for partitions.
    ///
    /// # Errors
    /// [`LayerError::Memory`].
    pub(crate) fn check_share(&self, bytes: u64, shares: u64) -> Result<(), LayerError> {
        if bytes <= self.partition_bytes() / shares {
            return Ok(());
        }
        let needed = bytes.saturating_mul(2 * shares);
        Err(LayerError::Memory { needed, allowed: self.memory_bytes() })
    }

    /// How many pieces of work of `each` bytes may go on at once in one of `shares` shares of the memory: one result
    /// more than there are threads may wait to be written.
    ///
    /// # Errors
    /// [`LayerError::Memory`] if not even one may.
    pub(crate) fn threads_for(&self, each: u64, shares: u64) -> Result<usize, LayerError> {
        self.check_share(each, shares)?;
        let available = self.partition_bytes() / shares;
        let fitting = (available / each.max(1)).saturating_sub(1) / 2;
        Ok(self.threads().min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_merges_into_the_deepest_level_are_cold_unless_told_otherwise() {
        let (small, large) = (ColdLayers::LEAST_KMERS - 1, ColdLayers::LEAST_KMERS);
        let asked = [(true, large), (true, small), (false, large), (false, 0)];
        let answers = |choice: ColdLayers| asked.map(|(is_deepest, kmers)| choice.wants(is_deepest, kmers));
        assert_eq!(answers(ColdLayers::default()), [true, false, false, false]);
        assert_eq!(answers(ColdLayers::Always), [true; 4]);
        assert_eq!(answers(ColdLayers::Never), [false; 4]);
    }

    #[test]
    fn shares_are_of_half_of_the_memory() {
        let resources = Resources::new(4, 1000);
        assert!(resources.check_share(500, 1).is_ok() && resources.check_share(501, 1).is_err());
        let error = resources.check_share(251, 2).expect_err("half of the half");
        assert!(matches!(error, LayerError::Memory { needed: 1004, allowed: 1000 }), "{error}");
        assert_eq!(resources.threads_for(10, 1).expect("room"), 4);
        assert_eq!(resources.threads_for(100, 1).expect("room"), 2);
        assert_eq!(resources.threads_for(100, 2).expect("room"), 1);
    }
}
