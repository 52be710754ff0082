//! Every n-th key of a stream: what trees are made of.

use core::marker::PhantomData;

use crate::{Key, LittleEndianKeys};

/// The keys at positions 0, n, 2n, … in their stored form.
#[derive(Debug, Clone)]
pub(crate) struct Separators<K> {
    pub(crate) bytes: Vec<u8>,
    /// The n.
    pub(crate) every: usize,
    /// The position whose key comes next.
    next: usize,
    /// How many keys were pushed.
    pub(crate) pushed: usize,
    key: PhantomData<K>,
}

impl<K: Key> Separators<K> {
    pub(crate) fn new(every: usize) -> Self {
        Self { bytes: Vec::new(), every, next: 0, pushed: 0, key: PhantomData }
    }

    /// Takes the next key of all.
    #[inline]
    pub(crate) fn push(&mut self, key: K) {
        self.take(self.pushed, key);
        self.pushed += 1;
    }

    /// Takes the key at a position if it is one of them. None may be passed over.
    #[inline]
    pub(crate) fn take(&mut self, position: usize, key: K) {
        if position == self.next {
            key.write(&mut self.bytes);
            self.next += self.every;
        }
    }

    /// The next position whose key has to be taken.
    pub(crate) fn next_position(&self) -> usize {
        self.next
    }

    pub(crate) fn count(&self) -> usize {
        self.bytes.len() / K::WIDTH
    }

    pub(crate) fn keys(&self) -> LittleEndianKeys<'_, K> {
        LittleEndianKeys::whole(&self.bytes)
    }
}
