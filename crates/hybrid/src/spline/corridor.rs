//! Choosing the knots of a spline in one pass.
//!
//! The greedy spline corridor (Neumann and Michel, "Smooth interpolating histograms with error guarantees",
//! BNCOD 2008, as used by RadixSpline, Kipf et al., aiDM 2020): from the last knot, every further point leaves
//! a smaller corridor of slopes that pass within the tube of all of them. A point that lies outside makes the
//! one before it a knot. O(1) a point, O(1) memory. Slopes are ordinary floating-point numbers, a few parts in
//! 2^52 wrong, which the tube allows for.

use crate::Key;
use crate::linear::{Point, half_width_in_positions};

/// Chooses knots among the points that have to be taught, shown one after another.
#[derive(Debug, Clone)]
pub(super) struct KnotFinder<K> {
    /// Half the width of the tube, in positions.
    tube: f64,
    open: Option<Corridor<K>>,
}

#[derive(Debug, Clone)]
struct Corridor<K> {
    knot: Point<K>,
    last: Point<K>,
    smallest_slope: f64,
    largest_slope: f64,
}

impl<K: Key> Corridor<K> {
    fn from(knot: Point<K>) -> Self {
        Self { knot, last: knot, smallest_slope: 0.0, largest_slope: f64::INFINITY }
    }

    /// Takes the point in if the straight line from the knot to it passes all points between.
    #[inline]
    fn admit(&mut self, point: Point<K>, tube: f64) -> bool {
        let run = point.key.distance_from(self.knot.key);
        let rise = (point.position - self.knot.position) as f64;
        let slope = rise / run;
        if slope < self.smallest_slope || slope > self.largest_slope {
            return false;
        }
        self.smallest_slope = self.smallest_slope.max((rise - tube) / run);
        self.largest_slope = self.largest_slope.min((rise + tube) / run);
        self.last = point;
        true
    }
}

impl<K: Key> KnotFinder<K> {
    pub(super) fn new(epsilon: usize) -> Self {
        Self { tube: half_width_in_positions(epsilon), open: None }
    }

    /// Shows the next point; gives the knot that is certain now.
    #[inline]
    pub(super) fn push(&mut self, point: Point<K>) -> Option<Point<K>> {
        let Some(corridor) = &mut self.open else {
            self.open = Some(Corridor::from(point));
            return Some(point);
        };
        if corridor.admit(point, self.tube) {
            return None;
        }
        let knot = corridor.last;
        let mut next = Corridor::from(knot);
        // The first point after a knot is always admitted.
        next.admit(point, self.tube);
        self.open = Some(next);
        Some(knot)
    }

    /// The last point is a knot, if it is not one yet.
    pub(super) fn finish(&mut self) -> Option<Point<K>> {
        let corridor = self.open.take()?;
        (corridor.last.key != corridor.knot.key).then_some(corridor.last)
    }
}
