//! What can be set when the documents of a store are opened.

use std::fmt;
use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;

/// Settings of [`Documents::open`](super::Documents::open).
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The time of day, for generated ids, `$currentDate` and `$$NOW`.
    pub wall_clock: Arc<dyn Fn() -> DateTime + Send + Sync>,
    /// The five bytes in the middle of generated ids, which tell this process from others.
    pub object_id_process: [u8; 5],
    /// The most bytes that a sort or another stage of a pipeline may hold before it fails with code 292.
    pub sort_memory_bytes: usize,
}

impl Default for Options {
    /// The system's clock, process bytes of this process, and 100 MiB for a sort.
    fn default() -> Options {
        let mut object_id_process = [0; 5];
        object_id_process.copy_from_slice(&ObjectId::new().bytes()[4..9]);
        Options { wall_clock: Arc::new(DateTime::now), object_id_process, sort_memory_bytes: 100 << 20 }
    }
}

impl Options {
    /// Takes the time of day from `clock`, for instance one that a test moves by hand.
    #[must_use]
    pub fn with_wall_clock(mut self, clock: impl Fn() -> DateTime + Send + Sync + 'static) -> Options {
        self.wall_clock = Arc::new(clock);
        self
    }

    /// Sets the process bytes of generated ids.
    #[must_use]
    pub fn with_object_id_process(mut self, bytes: [u8; 5]) -> Options {
        self.object_id_process = bytes;
        self
    }

    /// Sets how many bytes a sort or another stage of a pipeline may hold.
    #[must_use]
    pub fn with_sort_memory_bytes(mut self, bytes: usize) -> Options {
        self.sort_memory_bytes = bytes;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("sort_memory_bytes", &self.sort_memory_bytes)
            .finish_non_exhaustive()
    }
}
