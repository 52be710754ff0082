//! Generates object ids: seconds, process bytes, a counter.

use std::sync::atomic::{AtomicU32, Ordering};

use bson::DateTime;
use bson::oid::ObjectId;

/// Gives ids that grow within a second (until the 24-bit counter wraps).
#[derive(Debug)]
pub(crate) struct ObjectIds {
    process: [u8; 5],
    counter: AtomicU32,
}

impl ObjectIds {
    pub(crate) fn new(process: [u8; 5]) -> ObjectIds {
        ObjectIds { process, counter: AtomicU32::new(0) }
    }

    pub(crate) fn next(&self, now: DateTime) -> ObjectId {
        let seconds = (now.timestamp_millis() / 1000) as u32;
        let [_, counter @ ..] = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        ObjectId::from_parts(seconds, self.process, counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_carry_time() {
        let ids = ObjectIds::new([1; 5]);
        let now = DateTime::from_millis(1_700_000_000_123);
        let (first, second) = (ids.next(now), ids.next(now));
        assert!(first < second);
        assert_eq!(first.timestamp().timestamp_millis(), 1_700_000_000_000);
    }
}
