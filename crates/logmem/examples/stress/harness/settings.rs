//! How large a stress test is.

/// How much memory, how many threads, how many steps.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What each thread tries follows from it; how the threads meet does not.
    pub(crate) seed: u64,
    /// Threads; each owns a part of the keys.
    pub(crate) threads: u64,
    /// The budget of the pool in bytes.
    pub(crate) capacity_bytes: usize,
    /// Size of a segment in bytes.
    pub(crate) segment_bytes: usize,
    /// Steps of each thread in a round.
    pub(crate) steps: u64,
}

impl Settings {
    /// A pool of so many bytes in about 128 segments.
    pub(crate) fn new(seed: u64, threads: u64, capacity_bytes: usize, steps: u64) -> Settings {
        let segment_bytes = 1_usize << (capacity_bytes / 128).max(1024).ilog2();
        Settings { seed, threads, capacity_bytes, segment_bytes, steps }
    }
}
