//! How a pool is set up, and which sizes are refused.

use crate::error::Error;
use crate::location::{MAX_SEGMENT_BYTES, MAX_SEGMENTS};

/// Below this, the headers of entries and segments would outweigh what they hold.
const MIN_SEGMENT_BYTES: usize = 256;

/// How large a [`Pool`](crate::Pool) is and in which pieces it is given out.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The budget in bytes, index and overhead included.
    pub capacity_bytes: usize,
    /// Size of a segment in bytes: a power of two, 256 bytes to 256 MiB, at most `capacity_bytes`. Of pools
    /// whose segments are smaller than a page, no memory goes back to the system before the pool ends.
    pub segment_bytes: usize,
}

impl PoolOptions {
    /// A budget of `capacity_bytes` in segments of 1 MiB.
    pub fn new(capacity_bytes: usize) -> PoolOptions {
        PoolOptions { capacity_bytes, segment_bytes: 1 << 20 }
    }

    /// Segments that the capacity holds, if the options can work.
    pub(super) fn check(&self) -> Result<u32, Error> {
        let PoolOptions { capacity_bytes, segment_bytes } = *self;
        let refuse = |reason: String| Err(Error::InvalidOptions { reason });
        if !segment_bytes.is_power_of_two()
            || !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&segment_bytes)
        {
            return refuse(format!(
                "segment_bytes is {segment_bytes}; it must be a power of two from {MIN_SEGMENT_BYTES} to \
                 {MAX_SEGMENT_BYTES}"
            ));
        }
        if capacity_bytes < segment_bytes {
            return refuse(format!(
                "capacity_bytes is {capacity_bytes}; it must hold a segment of {segment_bytes} bytes"
            ));
        }
        // As many numbers again are for runs.
        let (segments, most) = (capacity_bytes / segment_bytes, MAX_SEGMENTS / 2);
        if segments > most {
            return refuse(format!(
                "{capacity_bytes} bytes are more than {most} segments of {segment_bytes}; make the segments \
                 larger"
            ));
        }
        Ok(segments as u32)
    }
}
