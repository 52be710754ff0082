//! What building and merging may take: threads, and bytes of memory.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::LayerError;

/// Which layers are made cold: their k-mers kept as strings of overlaps, which take a third of the space, but
/// longer to build and to merge.
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
    users: Mutex<Users>,
}

/// Who takes memory at present.
#[derive(Debug, Default)]
struct Users {
    /// Samples being added.
    adding: usize,
    /// Whether a cold merge has nearly all of the memory, as nothing was being added when it began.
    has_all: bool,
}

/// A sample is being added as long as this is held.
#[derive(Debug)]
pub(crate) struct Adding<'a> {
    resources: &'a Resources,
    /// What may wait to be sorted, in bytes.
    pub(crate) waiting_bytes: u64,
}

impl Drop for Adding<'_> {
    fn drop(&mut self) {
        self.resources.users.lock().adding -= 1;
    }
}

/// What a cold merge may take, as long as this is held.
#[derive(Debug)]
pub(super) struct ColdBudget<'a> {
    resources: &'a Resources,
    has_all: bool,
    /// Shares of the memory for partitions, if paths take one of it.
    shares: u64,
}

impl ColdBudget<'_> {
    /// Whether paths take a share of the memory for partitions.
    pub(super) fn shares_with_paths(&self) -> bool {
        !self.has_all
    }

    /// Fails where paths of so many bytes are too many while partitions are being merged beside them.
    ///
    /// # Errors
    /// [`LayerError::Memory`].
    pub(super) fn check_paths(&self, bytes: u64) -> Result<(), LayerError> {
        if self.has_all {
            self.check_eighths(bytes, 3)
        } else {
            self.resources.check_share(bytes, self.shares)
        }
    }

    /// Fails where so many bytes are too many when all partitions were merged.
    ///
    /// # Errors
    /// [`LayerError::Memory`].
    pub(super) fn check_finish(&self, bytes: u64) -> Result<(), LayerError> {
        if self.has_all { self.check_eighths(bytes, 7) } else { self.resources.check_share(bytes, 1) }
    }

    fn check_eighths(&self, bytes: u64, eighths: u64) -> Result<(), LayerError> {
        let allowed = self.resources.memory_bytes();
        let needed = bytes.saturating_mul(8).div_ceil(eighths);
        if needed <= allowed { Ok(()) } else { Err(LayerError::Memory { needed, allowed }) }
    }
}

impl Drop for ColdBudget<'_> {
    fn drop(&mut self) {
        if self.has_all {
            self.resources.users.lock().has_all = false;
        }
    }
}

impl Resources {
    /// A sample is to be added, beside so many at the same time, itself included. Half of the memory is for
    /// what waits to be sorted, the other for what is being sorted or merged; an eighth is for both while a
    /// cold merge has the rest.
    pub(crate) fn begin_adding(&self, beside: usize) -> Adding<'_> {
        let mut users = self.users.lock();
        users.adding += 1;
        let waiting = self.memory_bytes() / if users.has_all { 16 } else { 2 };
        Adding { resources: self, waiting_bytes: waiting / beside.max(1) as u64 }
    }

    /// A cold merge begins: it may take seven eighths of the memory if nothing is being added, else what
    /// other merges may. `shares` are those of the memory for partitions, one of them for paths.
    pub(super) fn begin_cold(&self, shares: u64) -> ColdBudget<'_> {
        let mut users = self.users.lock();
        let has_all = users.adding == 0 && !users.has_all;
        users.has_all |= has_all;
        ColdBudget { resources: self, has_all, shares }
    }

    /// The memory that partitions of samples being added may take together while they are sorted.
    pub(crate) fn sorting_bytes(&self) -> u64 {
        self.memory_bytes() / if self.users.lock().has_all { 16 } else { 2 }
    }

    pub(crate) fn new(threads: usize, memory_bytes: u64) -> Self {
        Resources {
            threads: AtomicUsize::new(threads),
            memory_bytes: AtomicU64::new(memory_bytes),
            cold_layers: Mutex::default(),
            left_hot: Mutex::default(),
            users: Mutex::default(),
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

    /// The memory that partitions being merged may take together; the rest is for what waits to be sorted.
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

    /// How many pieces of work of `each` bytes may go on at once in one of `shares` shares of the memory: one
    /// result more than there are threads may wait to be written.
    ///
    /// # Errors
    /// [`LayerError::Memory`] if not even one may.
    pub(crate) fn threads_for(&self, each: u64, shares: u64) -> Result<usize, LayerError> {
        self.check_share(each, shares)?;
        Ok(self.threads_within(each, self.partition_bytes() / shares))
    }

    /// How many pieces of work of `each` bytes may go on at once within some bytes of memory; at least one.
    pub(crate) fn threads_within(&self, each: u64, available: u64) -> usize {
        let fitting = (available / each.max(1)).saturating_sub(1) / 2;
        self.threads().min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1)
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

    #[test]
    fn a_cold_merge_has_nearly_all_of_the_memory_while_nothing_is_added() {
        let resources = Resources::new(4, 1600);
        let cold = resources.begin_cold(2);
        assert!(cold.check_paths(600).is_ok() && cold.check_finish(1400).is_ok());
        let error = cold.check_finish(1401).expect_err("more than seven eighths");
        assert!(matches!(error, LayerError::Memory { needed: 1602, allowed: 1600 }), "{error}");
        assert!(matches!(cold.check_paths(750), Err(LayerError::Memory { needed: 2000, .. })));
        // What begins beside it has an eighth; another merge what it had before.
        assert_eq!((resources.begin_adding(1).waiting_bytes, resources.sorting_bytes()), (100, 100));
        let other = resources.begin_cold(2);
        assert!(other.check_finish(800).is_ok() && other.check_finish(801).is_err());
        drop((cold, other));
        let adding = resources.begin_adding(4);
        assert_eq!((adding.waiting_bytes, resources.sorting_bytes()), (200, 800));
        let beside = resources.begin_cold(2);
        assert!(beside.check_paths(400).is_ok() && beside.check_paths(401).is_err());
        drop(adding);
        assert!(resources.begin_cold(2).check_finish(1400).is_ok());
    }
}
