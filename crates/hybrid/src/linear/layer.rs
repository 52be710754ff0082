//! The linear layer itself: pieces side by side, each with its first key.

use core::marker::PhantomData;
use core::ops::Range;

use super::fit::{ConeFitter, Piece};
use super::line::{LINE_BYTES, Line};
use super::points::for_each_point;
use crate::layer::route;
use crate::{Error, Key, KeySource, Layer, LittleEndianKeys};

/// Smallest and largest error a linear layer may be asked for.
const EPSILON_LIMITS: (usize, usize) = (1, 1 << 20);

/// A piecewise-linear model of the positions of the array below, with a known largest error.
///
/// Its entries are the first keys of the pieces. A lookup costs a binary search among the candidate
/// pieces, one multiplication, and leaves at most `2 * error + 1` candidates.
///
/// The error is not assumed from the fitting but measured over all keys afterwards, with the arithmetic
/// that queries use. So the window is right beyond 2^53, with duplicates and at the extremes of the type.
#[derive(Debug, Clone)]
pub struct LinearLayer<K, B = Vec<u8>> {
    /// The first keys of all pieces, then their lines.
    pieces: B,
    piece_count: usize,
    error: usize,
    below_len: usize,
    key: PhantomData<K>,
}

impl<K: Key> LinearLayer<K> {
    /// Builds the layer over sorted keys in two passes, O(n).
    ///
    /// # Errors
    /// [`Error::NotSorted`], and [`Error::BadParameter`] if `epsilon` is outside 1..=2^20.
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S, epsilon: usize) -> Result<Self, Error> {
        let (smallest, largest) = EPSILON_LIMITS;
        if !(smallest..=largest).contains(&epsilon) {
            let (smallest, largest) = (smallest as u64, largest as u64);
            return Err(Error::BadParameter { name: "epsilon", value: epsilon as u64, smallest, largest });
        }
        let mut fitter = ConeFitter::new(epsilon);
        let (mut firsts, mut lines, mut piece_count) = (Vec::new(), Vec::new(), 0);
        let mut store = |piece: Piece<K>| {
            piece.first.write(&mut firsts);
            piece.line.write(&mut lines);
            piece_count += 1;
        };
        for_each_point(keys, |point| {
            if let Some(piece) = fitter.push(point) {
                store(piece);
            }
        })
        .map_err(|position| Error::NotSorted { position })?;
        if let Some(piece) = fitter.finish() {
            store(piece);
        }
        firsts.append(&mut lines);
        firsts.shrink_to_fit();
        let mut layer =
            Self { pieces: firsts, piece_count, error: 0, below_len: keys.len(), key: PhantomData };
        layer.error = layer.largest_error(keys);
        Ok(layer)
    }

    /// How many pieces a layer over `keys` would have, without keeping any.
    pub(crate) fn count_pieces<S: KeySource<K> + ?Sized>(keys: &S, epsilon: usize) -> Option<usize> {
        let (mut fitter, mut pieces) = (ConeFitter::new(epsilon), 0);
        for_each_point(keys, |point| pieces += usize::from(fitter.push(point).is_some())).ok()?;
        Some(pieces + usize::from(fitter.finish().is_some()))
    }

    /// The largest distance of a prediction from the truth, over all points.
    fn largest_error<S: KeySource<K> + ?Sized>(&self, keys: &S) -> usize {
        let (entries, mut piece, mut error) = (self.entries(), 0, 0);
        // The keys were found to be sorted by the first pass.
        let _sorted = for_each_point(keys, |point| {
            while piece + 1 < self.piece_count && entries.get(piece + 1) <= point.key {
                piece += 1;
            }
            error = error.max(self.predict(piece, point.key).abs_diff(point.position));
        });
        error
    }
}

impl<K: Key, B: AsRef<[u8]>> LinearLayer<K, B> {
    /// Puts a layer together from stored parts; `None` if they do not fit each other.
    pub(crate) fn from_parts(pieces: B, piece_count: usize, error: usize, below_len: usize) -> Option<Self> {
        let fits = piece_count.checked_mul(K::WIDTH + LINE_BYTES) == Some(pieces.as_ref().len())
            && (piece_count == 0) == (below_len == 0);
        fits.then_some(Self { pieces, piece_count, error, below_len, key: PhantomData })
    }

    /// The entries, to build the layer above on.
    pub fn entries(&self) -> LittleEndianKeys<'_, K> {
        LittleEndianKeys::whole(&self.pieces.as_ref()[..self.piece_count * K::WIDTH])
    }

    /// The largest distance between a prediction and the truth, in positions, as measured when built.
    pub fn error(&self) -> usize {
        self.error
    }

    pub(crate) fn to_owned_layer(&self) -> LinearLayer<K> {
        let pieces = self.pieces.as_ref().to_vec();
        let &Self { piece_count, error, below_len, .. } = self;
        LinearLayer { pieces, piece_count, error, below_len, key: PhantomData }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.pieces.as_ref()
    }

    #[inline(always)]
    fn line(&self, piece: usize) -> Line {
        let at = self.piece_count * K::WIDTH + piece * LINE_BYTES;
        Line::read(&self.pieces.as_ref()[at..at + LINE_BYTES])
    }

    /// Predicted position, never beyond the start of the next piece.
    #[inline(always)]
    fn predict(&self, piece: usize, key: K) -> usize {
        let end = if piece + 1 < self.piece_count {
            usize::try_from(self.line(piece + 1).start).unwrap_or(usize::MAX)
        } else {
            self.below_len
        };
        let predicted = self.line(piece).predict(key, self.entries().get(piece));
        usize::try_from(predicted).unwrap_or(usize::MAX).min(end)
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for LinearLayer<K, B> {
    fn entry_count(&self) -> usize {
        self.piece_count
    }

    fn below_len(&self) -> usize {
        self.below_len
    }

    #[inline]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        let entries = self.entries();
        let entry = route(&entries, candidates, key);
        if entry < self.piece_count && entries.get(entry) == key {
            // A piece begins with a taught point, whose position is exact.
            let start = usize::try_from(self.line(entry).start).unwrap_or(usize::MAX).min(self.below_len);
            return start..start;
        }
        if entry == 0 {
            return 0..0;
        }
        let predicted = self.predict(entry - 1, key);
        let end = predicted.saturating_add(self.error).saturating_add(1).min(self.below_len);
        predicted.saturating_sub(self.error).min(end)..end
    }

    fn size_bytes(&self) -> usize {
        self.pieces.as_ref().len()
    }
}
