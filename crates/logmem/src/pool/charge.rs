//! Bytes of the budget that a user spends on memory of its own.

use super::handle::Pool;

/// Bytes of a pool's budget spent outside its segments, such as on an index; given back when dropped.
#[derive(Debug)]
pub struct Charge {
    bytes: usize,
    pool: Pool,
}

impl Charge {
    pub(super) fn new(bytes: usize, pool: Pool) -> Charge {
        Charge { bytes, pool }
    }

    /// How much was charged.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back all but `bytes` of it; does nothing if it is no more than that.
    pub fn shrink_to(&mut self, bytes: usize) {
        let excess = self.bytes.saturating_sub(bytes);
        self.bytes -= excess;
        self.pool.end_charge(excess);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.pool.end_charge(self.bytes);
    }
}
