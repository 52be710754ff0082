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
