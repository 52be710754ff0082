//! Cutting the points into the fewest straight lines, in one pass.
//!
//! A point may be passed by the tube's half width above or below: it is an upright bar, and a line is good
//! if it crosses all bars. As bars are added on the right, the good lines are bounded by two of them: the
//! *steepest*, which touches a lower end on the left and an upper end on the right, and the *shallowest*,
//! which touches them the other way round (O'Rourke, "An on-line algorithm for fitting straight lines between
//! data ranges", CACM 24(9), 1981; its use in an index: Ferragina and Vinciguerra, PVLDB 13(8), 2020,
//! section 3.1). A bar that lies wholly outside what the two leave ends the piece; making each piece as long
//! as can be makes the fewest. A bar that narrows them moves the touched vertex right along a convex chain of
//! earlier ends, so the whole takes O(1) a point, amortised.
//!
//! All comparisons are exact products of 128 bits; a floating-point line only saves them where a bar is
//! clearly crossed by both. A piece also ends when a chain holds [`MOST_VERTICES`], which bounds memory, or
//! when it has risen by [`MOST_RISE`], which bounds what the stored slope is off by: such a piece is long enough.

use super::hull::{Bulge, Chain, Vertex};
use super::line::Line;
use super::piece::Piece;
use super::points::Point;
use super::short_line::MOST_RISE;
use super::tube::{QUARTERS, half_width};
use crate::Key;

/// A chain longer than this ends its piece.
const MOST_VERTICES: usize = 1 << 14;

/// Fits the fewest lines to the points that have to be taught, shown one after another. For keys of at most
/// 64 bits.
#[derive(Debug, Clone)]
pub(super) struct OptimalFitter<K> {
    half_width: i64,
    open: Option<Open<K>>,
    /// Upper ends of the bars that may still bound a line, as their lower hull.
    above: Chain,
    /// Lower ends, as their upper hull.
    below: Chain,
}

/// The piece being made.
#[derive(Debug, Clone)]
struct Open<K> {
    origin: Point<K>,
    last: K,
    bounds: Option<Bounds>,
}

/// The outermost lines through all bars so far.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    steepest: Through,
    shallowest: Through,
}

/// The line through two vertices.
#[derive(Debug, Clone, Copy)]
struct Through {
    left: Vertex,
    right: Vertex,
    slope: f64,
}

impl Through {
    fn new(left: Vertex, right: Vertex) -> Self {
        Self { left, right, slope: left.slope_to(right).to_f64() }
    }

    /// About the height at an offset right of `left`; off by less than a thousandth while heights are below
    /// 2^40.
    #[inline(always)]
    fn about(&self, x: u64) -> f64 {
        self.left.y as f64 + self.slope * (x - self.left.x) as f64
    }

    #[inline(always)]
    fn is_above(&self, point: Vertex) -> bool {
        self.left.slope_to(point).is_less(self.left.slope_to(self.right))
    }

    #[inline(always)]
    fn is_below(&self, point: Vertex) -> bool {
        self.left.slope_to(self.right).is_less(self.left.slope_to(point))
    }

    /// The height at the piece's first key.
    fn at_origin(&self) -> f64 {
        self.left.y as f64 - self.slope * self.left.x as f64
    }
}

/// Heights up to this many quarters may be compared in floating point.
const PLAIN: i64 = 1 << 40;

impl<K: Key> OptimalFitter<K> {
    pub(super) fn new(epsilon: usize) -> Self {
        let (above, below) = (Chain::new(Bulge::Down), Chain::new(Bulge::Up));
        Self { half_width: half_width(epsilon) as i64, open: None, above, below }
    }

    /// Shows the next point; gives a piece when this point begins another.
    #[inline]
    pub(super) fn push(&mut self, point: Point<K>) -> Option<Piece<K>> {
        if let Some(open) = &mut self.open {
            let rise = point.position - open.origin.position;
            if rise > MOST_RISE {
                return self.restart(point);
            }
            let x = point.key.offset_from(open.origin.key) as u64;
            let y = (rise as u64 * QUARTERS) as i64;
            let (top, bottom) = (Vertex { x, y: y + self.half_width }, Vertex { x, y: y - self.half_width });
            if let Some(bounds) = &open.bounds
                && top.y < PLAIN
                && bounds.steepest.about(x) + 0.5 < top.y as f64
                && bounds.shallowest.about(x) - 0.5 > bottom.y as f64
            {
                open.last = point.key;
                return None;
            }
            if self.admit(top, bottom) {
                if let Some(open) = &mut self.open {
                    open.last = point.key;
                }
                return None;
            }
        }
        self.restart(point)
    }

    /// The last piece.
    pub(super) fn finish(&mut self) -> Option<Piece<K>> {
        self.open.take().map(Open::close)
    }

    /// Begins a piece at the point; gives the one before.
    fn restart(&mut self, origin: Point<K>) -> Option<Piece<K>> {
        self.above.restart(Vertex { x: 0, y: self.half_width });
        self.below.restart(Vertex { x: 0, y: -self.half_width });
        self.open.replace(Open { origin, last: origin.key, bounds: None }).map(Open::close)
    }

    /// Takes the bar in, or says no.
    fn admit(&mut self, top: Vertex, bottom: Vertex) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some(bounds) = &mut open.bounds else {
            let steepest = Through::new(self.below.touch(top), top);
            let shallowest = Through::new(self.above.touch(bottom), bottom);
            open.bounds = Some(Bounds { steepest, shallowest });
            self.above.push(top);
            self.below.push(bottom);
            return true;
        };
        if bounds.shallowest.is_above(top)
            || bounds.steepest.is_below(bottom)
            || self.above.len().max(self.below.len()) >= MOST_VERTICES
        {
            return false;
        }
        // An end that the bounds do not reach never bounds a line.
        let (cuts_above, cuts_below) = (bounds.steepest.is_above(top), bounds.shallowest.is_below(bottom));
        if cuts_above {
            bounds.steepest = Through::new(self.below.touch(top), top);
        }
        if cuts_below {
            bounds.shallowest = Through::new(self.above.touch(bottom), bottom);
        }
        if cuts_above {
            self.above.push(top);
        }
        if cuts_below {
            self.below.push(bottom);
        }
        true
    }
}

impl<K: Key> Open<K> {
    /// The line half way between the outermost, which crosses all bars as they do.
    fn close(self) -> Piece<K> {
        let (slope, height) = match self.bounds {
            None => (0.0, 0.0),
            Some(Bounds { steepest, shallowest }) => {
                // Positions do not fall, so neither must the line; a level one is good if a falling one is.
                let (steep, shallow) = (steepest.slope, shallowest.slope);
                let share = if steep + shallow < 0.0 { shallow / (shallow - steep) } else { 0.5 };
                let mix = |steep: f64, shallow: f64| steep * share + shallow * (1.0 - share);
                (mix(steep, shallow).max(0.0), mix(steepest.at_origin(), shallowest.at_origin()))
            }
        };
        let start = self.origin.position as i64 + (height / QUARTERS as f64).ceil() as i64;
        let line = Line::new(start, slope / QUARTERS as f64, self.last.offset_from(self.origin.key));
        Piece { first: self.origin.key, line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// Whether any line crosses all bars: if one does, so does one through an upper and a lower end.
    fn some_line_fits(points: &[(u64, i64)], half_width: i64) -> bool {
        if points.len() < 3 {
            return true;
        }
        let fits = |(x1, y1): (i128, i128), (x2, y2): (i128, i128)| {
            points.iter().all(|(x, y)| {
                let (run, rise) = (x2 - x1, y2 - y1);
                let height = y1 * run + rise * (i128::from(*x) - x1);
                let middle = i128::from(*y) * run;
                (height - middle).abs() <= i128::from(half_width) * run
            })
        };
        points.iter().enumerate().any(|(at, (x1, y1))| {
            points[at + 1..].iter().any(|(x2, y2)| {
                [-half_width, half_width].into_iter().any(|to| {
                    fits((i128::from(*x1), i128::from(y1 + to)), (i128::from(*x2), i128::from(y2 - to)))
                })
            })
        })
    }

    #[test]
    fn every_piece_is_as_long_as_can_be() {
        let mut state = 5;
        for round in 0..300u64 {
            let epsilon = [1, 2, 3, 8][round as usize % 4];
            let spread = [3, 50, 1 << 40, 1 << 58][round as usize / 4 % 4];
            let mut key = next(&mut state) % 1000;
            let mut fitter = OptimalFitter::<u64>::new(epsilon);
            let mut points: Vec<(u64, i64)> = Vec::new();
            for position in 0..60 {
                let Some(further) = key.checked_add(1 + next(&mut state) % spread) else { break };
                key = further;
                let mut more = points.clone();
                more.push((key, position as i64 * 4));
                let ended = fitter.push(Point { key, position }).is_some();
                assert_eq!(ended, !some_line_fits(&more, fitter.half_width), "round {round}: {more:?}");
                points = if ended { vec![(key, position as i64 * 4)] } else { more };
            }
        }
    }

    #[test]
    fn a_bent_curve_does_not_pile_up_vertices() {
        let mut fitter = OptimalFitter::<u64>::new(1 << 20);
        for position in 0..100_000 {
            fitter.push(Point { key: (position as u64).pow(2), position });
            assert!(fitter.above.len().max(fitter.below.len()) <= MOST_VERTICES);
        }
    }
}
