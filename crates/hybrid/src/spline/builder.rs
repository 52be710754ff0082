//! Builds a radix spline in one pass, in memory proportional to it.

use super::corridor::KnotFinder;
use super::layer::RadixSplineLayer;
use super::table::Radix;
use crate::linear::{Point, PointStream, Thinner};
use crate::{Error, Key, KeySource, LittleEndianKeys};

/// Builds a [`RadixSplineLayer`] from sorted keys pushed one at a time, O(1) each, in memory proportional to the
/// layer.
#[derive(Debug, Clone)]
pub struct RadixSplineLayerBuilder<K> {
    points: PointStream<K>,
    growth: SplineGrowth<K>,
}

impl<K: Key> RadixSplineLayerBuilder<K> {
    /// A layer of no keys yet, whose predictions shall be off by at most `epsilon` positions.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `epsilon` is outside 1..=2^20.
    pub fn new(epsilon: usize) -> Result<Self, Error> {
        Ok(Self { points: PointStream::new(), growth: SplineGrowth::new(epsilon)? })
    }

    /// Takes the next key.
    ///
    /// # Errors
    /// [`Error::NotSorted`] if it is smaller than the last one; the builder is then as it was.
    #[inline]
    pub fn push(&mut self, key: K) -> Result<(), Error> {
        self.points.push(key, |point| self.growth.push(point))
    }

    /// The layer.
    pub fn finish(mut self) -> RadixSplineLayer<K> {
        let key_count = self.points.key_count();
        if let Some(point) = self.points.finish() {
            self.growth.push(point);
        }
        self.growth.finish(key_count)
    }
}

/// A spline that takes in points; several models may grow side by side from one stream of them.
#[derive(Debug, Clone)]
pub(crate) struct SplineGrowth<K> {
    epsilon: usize,
    thinner: Thinner<K>,
    finder: KnotFinder<K>,
    knots: Vec<u8>,
    positions: Vec<u8>,
}

impl<K: Key> SplineGrowth<K> {
    pub(crate) fn new(epsilon: usize) -> Result<Self, Error> {
        let (thinner, finder) = (Thinner::new(epsilon)?, KnotFinder::new(epsilon));
        Ok(Self { epsilon, thinner, finder, knots: Vec::new(), positions: Vec::new() })
    }

    #[inline]
    pub(crate) fn push(&mut self, point: Point<K>) {
        if let Some(point) = self.thinner.push(point)
            && let Some(knot) = self.finder.push(point)
        {
            self.store(knot);
        }
    }

    /// Bytes the layer would have if it ended here, about.
    pub(crate) fn size_bytes(&self) -> usize {
        self.knots.len() + self.positions.len() + self.positions.len() / 2
    }

    pub(crate) fn finish(mut self, key_count: usize) -> RadixSplineLayer<K> {
        let last = self.thinner.finish().and_then(|point| self.finder.push(point));
        last.into_iter().for_each(|knot| self.store(knot));
        self.finder.finish().into_iter().for_each(|knot| self.store(knot));
        let knots = LittleEndianKeys::<K>::whole(&self.knots);
        let longest = match knots.len() {
            0 => 0,
            count => knots.get(count - 1).offset_from(knots.get(0)),
        };
        let radix = Radix::new(knots.len(), longest);
        let mut table = Vec::new();
        radix.write_table((0..knots.len()).map(|knot| knots.get(knot)), &mut table);
        let knot_count = knots.len();
        RadixSplineLayer::from_knots(
            [self.knots, self.positions, table],
            knot_count,
            radix,
            (self.epsilon, key_count),
        )
    }

    fn store(&mut self, knot: Point<K>) {
        knot.key.write(&mut self.knots);
        self.positions.extend_from_slice(&(knot.position as u64).to_le_bytes());
    }
}
