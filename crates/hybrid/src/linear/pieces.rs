//! The pieces of a linear layer as they are stored, seen as a sequence of keys: the first key of each.

use core::marker::PhantomData;
use core::ops::Range;

use super::short_line::line_bytes;
use crate::processor::prefetch;
use crate::{Key, KeySource};

/// Bytes of a piece: its first key, then its line, so that one cache line has both.
pub(super) const fn piece_bytes<K: Key>() -> usize {
    K::WIDTH + line_bytes::<K>()
}

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
        &self.pieces[piece * piece_bytes::<K>()..][K::WIDTH..piece_bytes::<K>()]
    }
}

impl<K: Key> KeySource<K> for PieceKeys<'_, K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.pieces.len() / piece_bytes::<K>()
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        K::read(&self.pieces[position * piece_bytes::<K>()..][..K::WIDTH])
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        let end = window.end.saturating_mul(piece_bytes::<K>()).min(self.pieces.len());
        prefetch(&self.pieces[window.start.saturating_mul(piece_bytes::<K>()).min(end)..end]);
    }
}
