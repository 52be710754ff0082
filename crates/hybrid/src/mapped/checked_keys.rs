//! The keys of a mapped file as an index sees them, their pages checked as they are touched.

use core::cell::Cell;
use core::ops::Range;

use super::MappedError;
use super::container::Container;
use crate::pages::BadPage;
use crate::{Key, KeySource, LittleEndianKeys};

/// Searching so many bytes touches two pages at most, which are then checked at once.
const SMALL_WINDOW: usize = 4096;

/// Keys of a file; whoever asks for one on a damaged page gets it, and the damage is remembered.
pub(super) struct CheckedKeys<'a, K> {
    keys: LittleEndianKeys<'a, K>,
    container: &'a Container,
    /// Where the keys begin in the file.
    start: usize,
    damage: Cell<Option<BadPage>>,
}

impl<'a, K: Key> CheckedKeys<'a, K> {
    /// `keys` are those that begin at `start` of the container.
    #[inline(always)]
    pub(super) fn new(keys: LittleEndianKeys<'a, K>, container: &'a Container, start: usize) -> Self {
        Self { keys, container, start, damage: Cell::new(None) }
    }

    /// The answer that was found with these keys, if none of them was damaged.
    #[inline(always)]
    pub(super) fn answer<T>(&self, answer: T) -> Result<T, MappedError> {
        match self.damage.get() {
            None => Ok(answer),
            Some(page) => Err(self.container.damaged(page)),
        }
    }

    #[inline(always)]
    fn touch(&self, positions: Range<usize>) {
        let bytes = self.start + positions.start * K::WIDTH..self.start + positions.end * K::WIDTH;
        if let Err(page) = self.container.touch(bytes) {
            self.damage.set(Some(page));
        }
    }
}

impl<K: Key> KeySource<K> for CheckedKeys<'_, K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.keys.len()
    }

    #[inline(always)]
    fn get(&self, position: usize) -> K {
        self.touch(position..position + 1);
        self.keys.get(position)
    }

    #[inline(always)]
    fn lower_bound_within(&self, mut window: Range<usize>, key: K) -> usize {
        if self.container.checks_pages() {
            while window.len() * K::WIDTH > SMALL_WINDOW {
                let middle = window.start + window.len() / 2;
                if self.get(middle) < key {
                    window.start = middle + 1;
                } else {
                    window.end = middle;
                }
            }
            self.touch(window.clone());
        }
        self.keys.lower_bound_within(window, key)
    }

    #[inline(always)]
    fn prefetch(&self, window: Range<usize>) {
        self.keys.prefetch(window);
    }
}
