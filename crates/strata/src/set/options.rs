//! How a layered set behaves.

use std::sync::Arc;
use std::time::Duration;

use crate::encryption::Encryption;
use crate::picker::{MergePolicy, Upkeep};
use crate::runtime::{Clock, SystemClock};

/// How a [`LayeredSet`](crate::LayeredSet) behaves. Nothing here is stored: a set may be opened with other
/// options than before.
#[derive(Debug, Clone)]
pub struct SetOptions {
    /// Which layers are merged and when.
    pub policy: MergePolicy,
    /// Which layers are merged for their deletes, their age, or for those who read.
    pub upkeep: Upkeep,
    /// How fast all merges together may write, in bytes a second; as fast as they can if `None`. Writing sealed
    /// layers has no limit. A limit below what is sealed makes layers pile up: see
    /// [`LayeredSet::pressure`](crate::LayeredSet::pressure).
    pub merge_bytes_per_second: Option<u64>,
    /// The keys that the manifest is encrypted with, if it is to be; layers are the kind's own business.
    pub encryption: Option<Encryption>,
    /// Tells the time for back-off, for the age of layers and for statistics.
    pub clock: Arc<dyn Clock>,
    /// How long background workers wait after a first failed merge; the wait doubles with each further
    /// failure.
    pub first_retry: Duration,
    /// The longest such wait.
    pub longest_retry: Duration,
}

impl Default for SetOptions {
    /// Tiered with a fan-out of 4, merges as fast as they can, the system clock, retries after 100 ms to 60 s.
    fn default() -> Self {
        SetOptions {
            policy: MergePolicy::Tiered { fanout: 4 },
            upkeep: Upkeep::default(),
            merge_bytes_per_second: None,
            encryption: None,
            clock: Arc::new(SystemClock::new()),
            first_retry: Duration::from_millis(100),
            longest_retry: Duration::from_secs(60),
        }
    }
}
