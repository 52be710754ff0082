//! Cutting the points into few straight lines in one pass, for keys of any width.
//!
//! The "shrinking cone" (swing filter; Elmeleegy et al., VLDB 2009, and FITing-Tree, SIGMOD 2019): a line
//! starts at its first point, and every further point leaves a smaller interval of slopes that pass within
//! the tube of it. When the interval would become empty a new line starts. One pass, O(1) memory. The slopes
//! are ordinary floating-point numbers: they are off by a few parts in 2^52, which the tube allows for.

use super::line::Line;
use super::piece::Piece;
use super::points::Point;
use super::tube::half_width_in_positions;
use crate::Key;

/// Fits lines to the points that have to be taught, shown one after another.
#[derive(Debug, Clone)]
pub(super) struct ConeFitter<K> {
    /// Half the width of the tube, in positions.
    tube: f64,
    open: Option<Cone<K>>,
}

#[derive(Debug, Clone)]
struct Cone<K> {
    origin: Point<K>,
    last: K,
    smallest_slope: f64,
    largest_slope: f64,
}

impl<K: Key> Cone<K> {
    fn at(origin: Point<K>) -> Self {
        Self { origin, last: origin.key, smallest_slope: 0.0, largest_slope: f64::INFINITY }
    }

    /// Takes the point in, or says no and stays as it was.
    fn admit(&mut self, point: Point<K>, tube: f64) -> bool {
        let run = point.key.distance_from(self.origin.key);
        let rise = (point.position - self.origin.position) as f64;
        let smallest = self.smallest_slope.max((rise - tube) / run);
        let largest = self.largest_slope.min((rise + tube) / run);
        if smallest > largest {
            return false;
        }
        (self.smallest_slope, self.largest_slope, self.last) = (smallest, largest, point.key);
        true
    }

    fn close(self) -> Piece<K> {
        let slope = if self.largest_slope.is_finite() {
            (self.smallest_slope + self.largest_slope) / 2.0
        } else {
            0.0
        };
        let longest = self.last.offset_from(self.origin.key);
        Piece { first: self.origin.key, line: Line::new(self.origin.position as i64, slope, longest) }
    }
}

impl<K: Key> ConeFitter<K> {
    pub(super) fn new(epsilon: usize) -> Self {
        Self { tube: half_width_in_positions(epsilon), open: None }
    }

    /// Shows the next point; gives a piece when this point begins another.
    pub(super) fn push(&mut self, point: Point<K>) -> Option<Piece<K>> {
        if let Some(cone) = &mut self.open
            && cone.admit(point, self.tube)
        {
            return None;
        }
        self.open.replace(Cone::at(point)).map(Cone::close)
    }

    /// The last piece.
    pub(super) fn finish(&mut self) -> Option<Piece<K>> {
        self.open.take().map(Cone::close)
    }
}
