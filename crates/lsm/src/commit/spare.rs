//! The bytes of a batch with a large value, kept for the next one that is committed without a sync.
//!
//! Memory that the allocator gives back to the system and takes anew costs a fault for each of its pages, more than to
//! copy them. A synced commit waits for the device far longer than for that.

use parking_lot::Mutex;

/// Shorter buffers are left to the allocator, which keeps them itself.
const LEAST_BYTES: usize = 32 << 10;
/// Longer ones are not kept.
const MOST_BYTES: usize = 4 << 20;
/// They take no more than this share of the memory of a database, beside that.
const MEMORY_SHARE: usize = 16;
/// Buffers at most.
const MOST_BUFFERS: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct SpareBuffers {
    /// Bytes of all of them at most.
    limit: usize,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl SpareBuffers {
    /// Those of a database with so many bytes of memory.
    pub(crate) fn new(memory_bytes: usize) -> Self {
        SpareBuffers { limit: (memory_bytes / MEMORY_SHARE).min(2 * MOST_BYTES), spare: Mutex::default() }
    }

    /// An empty buffer, for an entry of about so many bytes; `None` for a short one.
    pub(crate) fn take(&self, bytes: usize) -> Option<Vec<u8>> {
        (bytes >= LEAST_BYTES).then(|| self.spare.lock().pop().unwrap_or_default())
    }

    /// Takes a buffer back that nobody reads any more.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        if !(LEAST_BYTES..=MOST_BYTES).contains(&buffer.capacity()) {
            return;
        }
        buffer.clear();
        let mut spare = self.spare.lock();
        let bytes: usize = spare.iter().map(Vec::capacity).sum();
        if spare.len() < MOST_BUFFERS && bytes + buffer.capacity() <= self.limit {
            spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_taken_again_within_limits() {
        let buffers = SpareBuffers::new(16 << 20);
        let capacity = |bytes| buffers.take(bytes).map(|buffer| (buffer.len(), buffer.capacity()));
        assert_eq!(capacity(1 << 20), Some((0, 0)));
        for bytes in [LEAST_BYTES - 1, MOST_BYTES + 1, 600 << 10, 300 << 10, 200 << 10] {
            buffers.give_back(vec![1; bytes]);
        }
        assert_eq!(capacity(100), None, "a short one is not worth it");
        // The last one would have been more than a sixteenth.
        assert_eq!(capacity(LEAST_BYTES), Some((0, 300 << 10)));
        assert_eq!(capacity(LEAST_BYTES), Some((0, 600 << 10)));
        assert_eq!(capacity(LEAST_BYTES), Some((0, 0)));
    }
}
