//! One fitted line, and the fitter that suits the key.

use super::cone::ConeFitter;
use super::line::Line;
use super::optimal::OptimalFitter;
use super::points::Point;
use crate::Key;

/// One fitted line and the key it begins at.
#[derive(Debug)]
pub(super) struct Piece<K> {
    pub(super) first: K,
    pub(super) line: Line,
}

/// Cuts points into lines: into the fewest for keys of at most 64 bits, whose products fit 128; into a few
/// more for wider ones.
#[derive(Debug, Clone)]
pub(super) enum Fitter<K> {
    Optimal(OptimalFitter<K>),
    Cone(ConeFitter<K>),
}

impl<K: Key> Fitter<K> {
    pub(super) fn new(epsilon: usize) -> Self {
        if K::WIDTH <= 8 {
            Self::Optimal(OptimalFitter::new(epsilon))
        } else {
            Self::Cone(ConeFitter::new(epsilon))
        }
    }

    /// Shows the next point; gives a piece when this point begins another.
    #[inline]
    pub(super) fn push(&mut self, point: Point<K>) -> Option<Piece<K>> {
        match self {
            Self::Optimal(fitter) => fitter.push(point),
            Self::Cone(fitter) => fitter.push(point),
        }
    }

    /// The last piece.
    pub(super) fn finish(&mut self) -> Option<Piece<K>> {
        match self {
            Self::Optimal(fitter) => fitter.finish(),
            Self::Cone(fitter) => fitter.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_sets::KeySet;
    use crate::linear::short_line::MOST_RISE;
    use crate::linear::{PointStream, Thinner};

    fn pieces(keys: &[u64], epsilon: usize, mut fitter: Fitter<u64>) -> usize {
        let mut thinner = Thinner::new(epsilon).expect("within limits");
        let (mut stream, mut count) = (PointStream::new(), 1);
        for key in keys {
            let taught = |point| {
                if let Some(point) = thinner.push(point) {
                    count += usize::from(fitter.push(point).is_some());
                }
            };
            stream.push(*key, taught).expect("sorted");
        }
        count
    }

    #[test]
    fn the_optimal_fitter_needs_fewer_lines_than_the_cone() {
        for set in KeySet::ALL {
            let keys = set.keys(200_000, 3);
            for epsilon in [16, 64] {
                let cone = pieces(&keys, epsilon, Fitter::Cone(ConeFitter::new(epsilon)));
                let optimal = pieces(&keys, epsilon, Fitter::Optimal(OptimalFitter::new(epsilon)));
                println!("{set:?}, epsilon {epsilon}: {cone} lines by the cone, {optimal} at best");
                // Its pieces end when they have risen so far.
                let cut = keys.len() / MOST_RISE;
                assert!(optimal <= cone + cut, "{set:?}, {epsilon}: {optimal}, {cone}");
            }
        }
    }
}
