//! The radix spline itself.

use core::marker::PhantomData;
use core::ops::Range;

use super::builder::RadixSplineLayerBuilder;
use super::table::{MOST_BITS, Radix, SLOT_BYTES, knots_of};
use crate::processor::prefetch;
use crate::search::clamp;
use crate::stored::{u32_at, u64_at};
use crate::{Error, Key, KeySource, Layer, LittleEndianKeys};

/// A spline through some of the keys, never further than a known error from the others, and a table by the
/// leading bits of a key that tells which knots to search.
///
/// A lookup reads two neighbouring slots of the table, searches the knots between (about one where keys are
/// spread evenly, many where they crowd in few slots), and interpolates. It is complete: nothing need stand on
/// it. After RadixSpline (Kipf and others, aiDM 2020).
///
/// Interpolation is in floating point, with operations that IEEE 754 defines to the last bit and that are
/// monotone; the error is proved with its rounding. A knot is answered exactly.
#[derive(Debug, Clone)]
pub struct RadixSplineLayer<K, B = Vec<u8>> {
    /// A head, the knots' keys, their positions, the table.
    bytes: B,
    knot_count: usize,
    radix: Radix,
    error: usize,
    below_len: usize,
    key: PhantomData<K>,
}

/// Number of knots, bits and shift of the table.
const HEAD_BYTES: usize = 16;
const POSITION_BYTES: usize = 8;

impl<K: Key> RadixSplineLayer<K> {
    /// Builds the layer over sorted keys in one pass, O(n).
    ///
    /// # Errors
    /// [`Error::NotSorted`], and [`Error::BadParameter`] if `epsilon` is outside 1..=2^20.
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S, epsilon: usize) -> Result<Self, Error> {
        let mut builder = RadixSplineLayerBuilder::new(epsilon)?;
        (0..keys.len()).try_for_each(|position| builder.push(keys.get(position)))?;
        Ok(builder.finish())
    }

    /// A layer of keys, positions and table just made, with its error and the length of the array below.
    pub(super) fn from_knots(
        parts: [Vec<u8>; 3],
        knot_count: usize,
        radix: Radix,
        (error, below_len): (usize, usize),
    ) -> Self {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + parts.iter().map(Vec::len).sum::<usize>());
        bytes.extend_from_slice(&(knot_count as u64).to_le_bytes());
        bytes.extend_from_slice(&radix.bits.to_le_bytes());
        bytes.extend_from_slice(&radix.shift.to_le_bytes());
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Self { bytes, knot_count, radix, error, below_len, key: PhantomData }
    }
}

impl<K: Key, B: AsRef<[u8]>> RadixSplineLayer<K, B> {
    /// Puts a layer together from stored parts; `None` if they do not fit each other.
    pub(crate) fn from_parts(bytes: B, error: usize, below_len: usize) -> Option<Self> {
        let (head, rest) = bytes.as_ref().split_first_chunk::<HEAD_BYTES>()?;
        let knot_count = usize::try_from(u64_at(head, 0)).ok()?;
        let [bits, shift] = [8, 12].map(|at| u32_at(head, at));
        if bits > MOST_BITS || shift > 127 || (knot_count == 0) != (below_len == 0) {
            return None;
        }
        let radix = Radix { bits, shift };
        let table = if knot_count == 0 { 0 } else { (radix.slot_count() + 1) * SLOT_BYTES };
        let length = knot_count.checked_mul(K::WIDTH + POSITION_BYTES)?.checked_add(table)?;
        (length == rest.len()).then_some(Self {
            bytes,
            knot_count,
            radix,
            error,
            below_len,
            key: PhantomData,
        })
    }

    /// The largest distance between a prediction and the truth, in positions.
    pub fn error(&self) -> usize {
        self.error
    }

    /// How many knots the spline has.
    pub fn knot_count(&self) -> usize {
        self.knot_count
    }

    /// How many slots the table has.
    pub fn slot_count(&self) -> usize {
        self.radix.slot_count()
    }

    /// How many knots a lookup searches, averaged over the keys. O(slots).
    pub(crate) fn average_search(&self) -> usize {
        let slots = if self.knot_count == 0 { 0 } else { self.slot_count() };
        let keys_times_knots = (0..slots).map(|slot| {
            let knots = self.knots(slot);
            let first = self.position(knots.start.min(self.knot_count - 1));
            let behind = if knots.end < self.knot_count { self.position(knots.end) } else { self.below_len };
            behind.saturating_sub(first) as u128 * (knots.len() + 1) as u128
        });
        (keys_times_knots.sum::<u128>() / self.below_len.max(1) as u128) as usize
    }

    pub(crate) fn to_owned_layer(&self) -> RadixSplineLayer<K> {
        let &Self { knot_count, radix, error, below_len, .. } = self;
        RadixSplineLayer {
            bytes: self.payload().to_vec(),
            knot_count,
            radix,
            error,
            below_len,
            key: PhantomData,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    #[inline(always)]
    fn keys(&self) -> LittleEndianKeys<'_, K> {
        LittleEndianKeys::whole(&self.bytes.as_ref()[HEAD_BYTES..][..self.knot_count * K::WIDTH])
    }

    #[inline(always)]
    fn table(&self) -> &[u8] {
        &self.bytes.as_ref()[HEAD_BYTES + self.knot_count * (K::WIDTH + POSITION_BYTES)..]
    }

    /// The knots to search for a slot.
    #[inline(always)]
    fn knots(&self, slot: usize) -> Range<usize> {
        clamp(knots_of(self.table(), slot), self.knot_count)
    }

    #[inline(always)]
    fn position_bytes(&self, knot: usize) -> &[u8] {
        &self.bytes.as_ref()[HEAD_BYTES + self.knot_count * K::WIDTH + knot * POSITION_BYTES..]
            [..POSITION_BYTES]
    }

    #[inline(always)]
    fn position(&self, knot: usize) -> usize {
        let position = u64_at(self.position_bytes(knot), 0);
        usize::try_from(position).unwrap_or(usize::MAX).min(self.below_len)
    }

    #[inline(always)]
    fn slot(&self, key: K) -> usize {
        self.radix.slot(key, self.keys().get(0))
    }

    /// The candidates, `next` being the first knot that is not below the key.
    #[inline(always)]
    fn window(&self, next: usize, key: K) -> Range<usize> {
        let keys = self.keys();
        if next == self.knot_count {
            // The last point is a knot.
            return self.below_len..self.below_len;
        }
        let (right, end) = (keys.get(next), self.position(next));
        if next == 0 || right == key {
            return end..end;
        }
        let (left, start) = (keys.get(next - 1), self.position(next - 1));
        let slope = end.saturating_sub(start) as f64 / right.distance_from(left);
        let rise = (key.distance_from(left) * slope) as usize;
        let predicted = start.saturating_add(rise).min(end);
        let behind = predicted.saturating_add(self.error).saturating_add(1).min(self.below_len);
        predicted.saturating_sub(self.error).min(behind)..behind
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for RadixSplineLayer<K, B> {
    fn entry_count(&self) -> usize {
        usize::from(self.knot_count > 0)
    }

    fn below_len(&self) -> usize {
        self.below_len
    }

    #[inline(always)]
    fn narrow(&self, key: K, _candidates: Range<usize>) -> Range<usize> {
        if self.knot_count == 0 {
            return 0..0;
        }
        let knots = self.knots(self.slot(key));
        self.window(self.keys().lower_bound_within(knots, key), key)
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        if self.knot_count == 0 {
            return candidates.fill(0..0);
        }
        let own = self.keys();
        for (key, candidates) in keys.iter().zip(candidates.iter_mut()) {
            let slot = self.slot(*key);
            prefetch(&self.table()[slot * SLOT_BYTES..][..2 * SLOT_BYTES]);
            *candidates = slot..slot;
        }
        for candidates in candidates.iter_mut() {
            let knots = self.knots(candidates.start);
            own.prefetch(knots.start.saturating_sub(1)..(knots.end + 1).min(self.knot_count));
            prefetch(self.position_bytes(knots.start.min(self.knot_count - 1)));
            *candidates = knots;
        }
        for (key, candidates) in keys.iter().zip(candidates) {
            *candidates = self.window(own.lower_bound_within(candidates.clone(), *key), *key);
        }
    }

    fn size_bytes(&self) -> usize {
        self.payload().len()
    }
}
