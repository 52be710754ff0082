//! Builds a linear layer in one pass, in memory proportional to the layer.

use super::layer::LinearLayer;
use super::piece::{Fitter, Piece};
use super::points::{Point, PointStream};
use super::short_line;
use super::tube::Thinner;
use crate::{Error, Key};

/// Builds a [`LinearLayer`] from sorted keys pushed one at a time, O(1) each, in memory proportional to the
/// layer.
///
/// ```
/// use stroma_hybrid::{Layer, LinearLayerBuilder};
///
/// let mut builder = LinearLayerBuilder::<u64>::new(8)?;
/// for key in (0..1_000_000).step_by(10) {
///     builder.push(key)?;
/// }
/// assert_eq!(builder.finish().entry_count(), 1);
/// # Ok::<(), stroma_hybrid::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearLayerBuilder<K> {
    points: PointStream<K>,
    growth: LinearGrowth<K>,
}

impl<K: Key> LinearLayerBuilder<K> {
    /// A layer of no keys yet, whose predictions shall be off by at most `epsilon` positions.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `epsilon` is outside 1..=2^20.
    pub fn new(epsilon: usize) -> Result<Self, Error> {
        Ok(Self { points: PointStream::new(), growth: LinearGrowth::new(epsilon)? })
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
    pub fn finish(mut self) -> LinearLayer<K> {
        let key_count = self.points.key_count();
        if let Some(point) = self.points.finish() {
            self.growth.push(point);
        }
        self.growth.finish(key_count)
    }
}

/// A linear layer that takes in points; several may grow side by side from one stream of them.
#[derive(Debug, Clone)]
pub(crate) struct LinearGrowth<K> {
    epsilon: usize,
    thinner: Thinner<K>,
    fitter: Fitter<K>,
    /// The pieces that are done.
    pieces: Vec<u8>,
}

impl<K: Key> LinearGrowth<K> {
    pub(crate) fn new(epsilon: usize) -> Result<Self, Error> {
        let (thinner, fitter) = (Thinner::new(epsilon)?, Fitter::new(epsilon));
        Ok(Self { epsilon, thinner, fitter, pieces: Vec::new() })
    }

    #[inline]
    pub(crate) fn push(&mut self, point: Point<K>) {
        if let Some(point) = self.thinner.push(point) {
            self.teach(point);
        }
    }

    /// Bytes of the pieces that are done.
    pub(crate) fn size_bytes(&self) -> usize {
        self.pieces.len()
    }

    pub(crate) fn finish(mut self, key_count: usize) -> LinearLayer<K> {
        if let Some(point) = self.thinner.finish() {
            self.teach(point);
        }
        if let Some(piece) = self.fitter.finish() {
            self.store(&piece);
        }
        self.pieces.shrink_to_fit();
        LinearLayer::from_pieces(self.pieces, self.epsilon, key_count)
    }

    #[inline]
    fn teach(&mut self, point: Point<K>) {
        if let Some(piece) = self.fitter.push(point) {
            self.store(&piece);
        }
    }

    fn store(&mut self, piece: &Piece<K>) {
        piece.first.write(&mut self.pieces);
        short_line::write::<K>(piece.line, &mut self.pieces);
    }
}
