//! Going through keys in order, asking for what comes next ahead of use.

use core::marker::PhantomData;
use core::ops::Range;

use crate::processor::LINE_BYTES;
use crate::{Key, KeySource};

/// How far ahead keys are asked for, in bytes: about what one core reads while memory answers.
const AHEAD_BYTES: usize = 1024;

/// The keys at a range of positions, in order, each with its position.
///
/// The source is asked ahead of use for what comes next ([`KeySource::prefetch`]), a cache line at a time; that
/// pays across the borders of pages, which the processor does not foresee.
#[derive(Debug)]
pub struct Walk<'s, K, S: ?Sized> {
    keys: &'s S,
    left: Range<usize>,
    key: PhantomData<K>,
}

impl<'s, K: Key, S: KeySource<K> + ?Sized> Walk<'s, K, S> {
    /// Through the keys at these positions, as far as there are any.
    pub fn new(keys: &'s S, positions: Range<usize>) -> Self {
        let end = positions.end.min(keys.len());
        let left = positions.start.min(end)..end;
        keys.prefetch(left.start..end.min(left.start + AHEAD_BYTES / K::WIDTH));
        Self { keys, left, key: PhantomData }
    }

    /// The positions still to come.
    pub fn positions(&self) -> Range<usize> {
        self.left.clone()
    }
}

impl<K: Key, S: KeySource<K> + ?Sized> Iterator for Walk<'_, K, S> {
    type Item = (usize, K);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let position = self.left.next()?;
        let line = LINE_BYTES / K::WIDTH;
        if position % line == 0 {
            let ahead = position + AHEAD_BYTES / K::WIDTH;
            if ahead < self.left.end {
                self.keys.prefetch(ahead..(ahead + line).min(self.left.end));
            }
        }
        Some((position, self.keys.get(position)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<K: Key, S: KeySource<K> + ?Sized> DoubleEndedIterator for Walk<'_, K, S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let position = self.left.next_back()?;
        Some((position, self.keys.get(position)))
    }
}

impl<K: Key, S: KeySource<K> + ?Sized> ExactSizeIterator for Walk<'_, K, S> {}
impl<K: Key, S: KeySource<K> + ?Sized> core::iter::FusedIterator for Walk<'_, K, S> {}
