//! The pieces of a linear layer as they are stored, seen as a sequence of keys: the first key of each.

use core::marker::PhantomData;
use core::ops::Range;

use super::short_line::line_bytes;
use crate::policy::UPPER_FANOUT;
use crate::processor::prefetch;
use crate::{Key, KeySource};

/// Bytes of a piece: its first key, then its line, so that one cache line has both.
pub(super) const fn piece_bytes<K: Key>() -> usize {
    K::WIDTH + line_bytes::<K>()
}

/// As many pieces as share a separator above.
const FEW: usize = UPPER_FANOUT;
const _: () = assert!(FEW == 8, "what `count_few` halves");

/// The first keys of the pieces of a [`LinearLayer`](crate::LinearLayer): its entries.
#[derive(Debug, Clone, Copy)]
pub struct PieceKeys<'a, K> {
    pieces: &'a [u8],
    key: PhantomData<K>,
}

impl<'a, K: Key> PieceKeys<'a, K> {
    /// As many whole pieces as there are.
    #[inline(always)]
    pub(super) fn new(pieces: &'a [u8]) -> Self {
        Self { pieces, key: PhantomData }
    }

    /// The line of a piece.
    #[inline(always)]
    pub(super) fn line(self, piece: usize) -> &'a [u8] {
        self.piece(piece).1
    }

    /// The first key of a piece, and its line.
    #[inline(always)]
    pub(super) fn piece(self, piece: usize) -> (K, &'a [u8]) {
        let bytes = &self.pieces[piece * piece_bytes::<K>()..][..piece_bytes::<K>()];
        (K::read(&bytes[..K::WIDTH]), &bytes[K::WIDTH..])
    }

    /// How many pieces begin at or below the key, if those before the window do and those behind it do not.
    #[inline(always)]
    pub(super) fn count_up_to(&self, window: Range<usize>, key: K) -> usize {
        match piece_bytes::<K>() {
            12 => self.count_few::<12>(window, key),
            16 => self.count_few::<16>(window, key),
            32 => self.count_few::<32>(window, key),
            _ => self.count_many(window, key),
        }
    }

    /// Of few, and one behind the window that may begin at the key, in steps known beforehand.
    #[inline(always)]
    fn count_few<const SIZE: usize>(&self, window: Range<usize>, key: K) -> usize {
        let pieces = self.pieces.as_chunks::<SIZE>().0;
        match pieces.get(window.start..).and_then(|pieces| pieces.first_chunk::<FEW>()) {
            Some(few) if window.len() < FEW => {
                let mut count = 0;
                for half in [FEW / 2, FEW / 4, FEW / 8, 1] {
                    let begins_up_to = K::read(&few[count + half - 1][..K::WIDTH]) <= key;
                    count = core::hint::select_unpredictable(begins_up_to, count + half, count);
                }
                window.start + count
            }
            _ => self.count_many(window, key),
        }
    }

    #[inline(always)]
    fn count_many(&self, window: Range<usize>, key: K) -> usize {
        let below = self.lower_bound_within(window, key);
        below + usize::from(below < self.len() && self.get(below) == key)
    }
}

impl<K: Key> KeySource<K> for PieceKeys<'_, K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.pieces.len() / piece_bytes::<K>()
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        self.piece(position).0
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        let bytes = window.start * piece_bytes::<K>()..window.end * piece_bytes::<K>();
        prefetch(self.pieces.get(bytes).unwrap_or_default());
    }
}
