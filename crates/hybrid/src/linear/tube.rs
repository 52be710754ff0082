//! How far a line may pass from the points it is taught, so that no query is misled by more than epsilon.
//!
//! The error of a layer is proved, not measured, so that one pass over the keys is enough:
//!
//! - A line may pass a taught point by at most the tube's half width *t*.
//! - The stored line is that line with its start rounded up to an integer and its slope cut to 21 bits (50 for keys
//!   wider than 8 bytes); its prediction is rounded down. Together this moves a prediction by less than 1, plus less
//!   than 1/4 for the slope as long as a line rises by fewer than 2^18 (2^46) positions. Between taught points it
//!   rises by at most 2^17 (an array in memory), before and behind them by as much as the tube is wide and one
//!   stride: less than 2^18 in all up to an epsilon of 2^16. For each 2^16 of epsilon the tube is narrower by one
//!   position more, which is more than a longer rise can be off by.
//! - Of narrow tubes every point is taught. Of wide ones only every `stride`-th: the next one as soon as it
//!   stands more than `stride` positions after the last one taught. A monotone line that is good at two
//!   taught points is off by at most `stride` positions more in between. (A run of equal keys longer than
//!   that is taught at both ends; nothing can be asked for in between.)
//!
//! So `t + 1 + 1/4 + stride`, without the stride if every point is taught, must not exceed epsilon + 1,
//! positions being integers. A stride of a sixteenth of epsilon costs a few percent more lines and makes wide
//! tubes many times as quick to fit, per key, as narrow ones.

use super::points::Point;
use crate::Error;

/// Smallest and largest error a layer may be asked for.
const EPSILON_LIMITS: (usize, usize) = (1, 1 << 20);

/// Parts that a position is divided into, so that the tube's half width is a whole number.
pub(crate) const QUARTERS: u64 = 4;

/// Every how many positions a point is taught.
pub(crate) fn stride(epsilon: usize) -> usize {
    (epsilon / 16).max(1)
}

/// Half the width of the tube around a line, in quarters of a position.
pub(crate) fn half_width(epsilon: usize) -> u64 {
    let missed = if stride(epsilon) == 1 { 0 } else { stride(epsilon) };
    (epsilon - missed - (epsilon >> 16)) as u64 * QUARTERS - 1
}

/// The same in positions.
pub(crate) fn half_width_in_positions(epsilon: usize) -> f64 {
    half_width(epsilon) as f64 / QUARTERS as f64
}

/// Lets through the points that have to be taught.
#[derive(Debug, Clone)]
pub(crate) struct Thinner<K> {
    stride: usize,
    taught: Option<usize>,
    pending: Option<Point<K>>,
}

impl<K: Copy> Thinner<K> {
    /// For a tube of this epsilon.
    pub(crate) fn new(epsilon: usize) -> Result<Self, Error> {
        let (smallest, largest) = EPSILON_LIMITS;
        if !(smallest..=largest).contains(&epsilon) {
            let (smallest, largest) = (smallest as u64, largest as u64);
            return Err(Error::BadParameter { name: "epsilon", value: epsilon as u64, smallest, largest });
        }
        Ok(Self { stride: stride(epsilon), taught: None, pending: None })
    }

    /// Takes the next point; gives one that has to be taught: this or the one before.
    #[inline]
    pub(crate) fn push(&mut self, point: Point<K>) -> Option<Point<K>> {
        let Some(taught) = self.taught else {
            self.taught = Some(point.position);
            return Some(point);
        };
        let step = point.position - taught;
        if step < self.stride && self.stride > 1 {
            self.pending = Some(point);
            return None;
        }
        if step > self.stride
            && let Some(before) = self.pending.replace(point)
        {
            self.taught = Some(before.position);
            return Some(before);
        }
        (self.pending, self.taught) = (None, Some(point.position));
        Some(point)
    }

    /// The last point, if it has not been given yet.
    pub(crate) fn finish(&mut self) -> Option<Point<K>> {
        self.pending.take()
    }
}
