//! The linear layer itself: pieces side by side, each with its first key.

use core::marker::PhantomData;
use core::ops::Range;

use super::builder::LinearLayerBuilder;
use super::pieces::{PieceKeys, piece_bytes};
use super::short_line;
use crate::layer::prefetch_candidates;
use crate::search::clamp;
use crate::{Error, Key, KeySource, Layer};

/// A piecewise-linear model of the positions of the array below, with a known largest error.
///
/// Its entries are the first keys of the pieces. A lookup costs a binary search among the candidate
/// pieces, one multiplication, and leaves at most `2 * error + 1` candidates.
///
/// Predictions are integer arithmetic. The error is proved for that arithmetic, from the tube the lines were
/// fitted in; so the window is right beyond 2^53, with duplicates and at the extremes of the type.
#[derive(Debug, Clone)]
pub struct LinearLayer<K, B = Vec<u8>> {
    /// Each with its first key and its line.
    pieces: B,
    error: usize,
    below_len: usize,
    key: PhantomData<K>,
}

impl<K: Key> LinearLayer<K> {
    /// Builds the layer over sorted keys in one pass, O(n); see [`LinearLayerBuilder`] for a stream of them.
    ///
    /// # Errors
    /// [`Error::NotSorted`], and [`Error::BadParameter`] if `epsilon` is outside 1..=2^20.
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S, epsilon: usize) -> Result<Self, Error> {
        let mut builder = LinearLayerBuilder::new(epsilon)?;
        (0..keys.len()).try_for_each(|position| builder.push(keys.get(position)))?;
        Ok(builder.finish())
    }

    /// A layer of pieces just fitted.
    pub(super) fn from_pieces(pieces: Vec<u8>, error: usize, below_len: usize) -> Self {
        Self { pieces, error, below_len, key: PhantomData }
    }
}

impl<K: Key, B: AsRef<[u8]>> LinearLayer<K, B> {
    /// Puts a layer together from stored parts; `None` if they do not fit each other.
    pub(crate) fn from_parts(pieces: B, piece_count: usize, error: usize, below_len: usize) -> Option<Self> {
        let fits = piece_count.checked_mul(piece_bytes::<K>()) == Some(pieces.as_ref().len())
            && (piece_count == 0) == (below_len == 0);
        fits.then_some(Self { pieces, error, below_len, key: PhantomData })
    }

    /// The entries, to build the layer above on.
    #[inline(always)]
    pub fn entries(&self) -> PieceKeys<'_, K> {
        PieceKeys::new(self.pieces.as_ref())
    }

    /// The largest distance between a prediction and the truth, in positions.
    pub fn error(&self) -> usize {
        self.error
    }

    pub(crate) fn to_owned_layer(&self) -> LinearLayer<K> {
        let pieces = self.pieces.as_ref().to_vec();
        LinearLayer { pieces, error: self.error, below_len: self.below_len, key: PhantomData }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.pieces.as_ref()
    }

    /// How many pieces begin at or below the key.
    #[inline(always)]
    fn pieces_up_to(&self, key: K, candidates: Range<usize>) -> usize {
        let entries = self.entries();
        let candidates = clamp(candidates, entries.len());
        // The pieces' lines lie between their first keys, so that the search would wait for each cache line.
        entries.prefetch(candidates.clone());
        entries.count_up_to(candidates, key)
    }

    /// The candidates, when so many pieces begin at or below the key.
    #[inline(always)]
    fn window(&self, pieces: usize, key: K) -> Range<usize> {
        let Some(piece) = pieces.checked_sub(1) else { return 0..0 };
        let predicted = self.predict(piece, key);
        let end = predicted.saturating_add(self.error).saturating_add(1).min(self.below_len);
        predicted.saturating_sub(self.error).min(end)..end
    }

    /// Predicted position, never beyond the start of the next piece.
    #[inline(always)]
    fn predict(&self, piece: usize, key: K) -> usize {
        let pieces = self.entries();
        let end = if piece + 1 < pieces.len() {
            usize::try_from(short_line::start::<K>(pieces.line(piece + 1))).unwrap_or(0)
        } else {
            self.below_len
        };
        let (first, line) = pieces.piece(piece);
        let predicted = short_line::predict(line, key, first);
        usize::try_from(predicted).unwrap_or(usize::MAX).min(end)
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for LinearLayer<K, B> {
    fn entry_count(&self) -> usize {
        self.entries().len()
    }

    fn below_len(&self) -> usize {
        self.below_len
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        self.window(self.pieces_up_to(key, candidates), key)
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        prefetch_candidates(&self.entries(), candidates);
        for (key, candidates) in keys.iter().zip(candidates) {
            *candidates = self.narrow(*key, candidates.clone());
        }
    }

    fn size_bytes(&self) -> usize {
        self.pieces.as_ref().len()
    }
}
