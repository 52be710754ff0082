//! Where sorted keys are read from: a slice, or the little-endian bytes of a mapped file.

use core::marker::PhantomData;
use core::ops::Range;

use crate::key::lower_bound_in;
use crate::processor::prefetch;
use crate::{Error, Key};

/// A random-access sequence of keys. An index never owns its keys; it is shown them at each query.
pub trait KeySource<K: Key> {
    /// How many keys there are.
    fn len(&self) -> usize;

    /// The key at a position.
    ///
    /// # Panics
    /// If `position >= self.len()`.
    fn get(&self, position: usize) -> K;

    /// The first position within `window` whose key is not below `key`; the window's end if there is none.
    ///
    /// # Panics
    /// If the window is not within the keys.
    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: K) -> usize {
        let mut base = window.start;
        let mut size = window.end - window.start;
        while size > 1 {
            let half = size / 2;
            base = core::hint::select_unpredictable(self.get(base + half - 1) < key, base + half, base);
            size -= half;
        }
        if size == 1 { base + usize::from(self.get(base) < key) } else { base }
    }

    /// Asks for the keys of a window that will soon be searched. A hint: it may do nothing, and does nothing
    /// unless the source says how.
    #[inline(always)]
    fn prefetch(&self, _window: Range<usize>) {}

    /// Whether there are no keys.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Key> KeySource<K> for [K] {
    #[inline(always)]
    fn len(&self) -> usize {
        <[K]>::len(self)
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        self[position]
    }

    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: K) -> usize {
        lower_bound_in(self, window, |candidate| *candidate < key)
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        prefetch(self.get(window).unwrap_or_default());
    }
}

impl<K: Key> KeySource<K> for Vec<K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        self.as_slice()[position]
    }

    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: K) -> usize {
        lower_bound_in(self, window, |candidate| *candidate < key)
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        prefetch(self.as_slice().get(window).unwrap_or_default());
    }
}

impl<K: Key, const N: usize> KeySource<K> for [K; N] {
    fn len(&self) -> usize {
        N
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        self[position]
    }

    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: K) -> usize {
        lower_bound_in(self, window, |candidate| *candidate < key)
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        prefetch(self.as_slice().get(window).unwrap_or_default());
    }
}

/// Keys in their stored form, one after another, in bytes of any alignment.
///
/// This is how keys of a memory-mapped file are searched in place:
///
/// ```
/// use stroma_hybrid::{KeySource, LittleEndianKeys};
///
/// let file = [0xff, 1, 0, 0, 0, 2, 0, 0, 0];           // one byte of something else, then two keys
/// let keys = LittleEndianKeys::<u32>::new(&file[1..])?;
/// assert_eq!((keys.len(), keys.get(1)), (2, 2));
/// # Ok::<(), stroma_hybrid::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct LittleEndianKeys<'a, K> {
    bytes: &'a [u8],
    key: PhantomData<K>,
}

impl<'a, K: Key> LittleEndianKeys<'a, K> {
    /// Views `bytes` as keys.
    ///
    /// # Errors
    /// [`Error::PartialKey`] if the length is no multiple of the key's width.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len().is_multiple_of(K::WIDTH) {
            Ok(Self::whole(bytes))
        } else {
            Err(Error::PartialKey { length: bytes.len(), width: K::WIDTH })
        }
    }

    /// Views as many whole keys as `bytes` holds.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, key: PhantomData }
    }

    /// The bytes under the view.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<K: Key> KeySource<K> for LittleEndianKeys<'_, K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.bytes.len() / K::WIDTH
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        K::read(&self.bytes[position * K::WIDTH..][..K::WIDTH])
    }

    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: K) -> usize {
        key.lower_bound_in(self.bytes, window)
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        let end = window.end.saturating_mul(K::WIDTH).min(self.bytes.len());
        prefetch(&self.bytes[window.start.saturating_mul(K::WIDTH).min(end)..end]);
    }
}
