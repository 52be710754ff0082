//! An open file together with the index and sections that point into it.
//!
//! The index and the sections of a file are slices of the bytes that the same value holds. Rust has no
//! lifetime for that, so it is written down here once, and handed out with the lifetime of the borrow.

#![allow(unsafe_code, reason = "the borrow checker has no word for a value that points into itself")]

use core::ptr::NonNull;

use super::MappedError;
use super::container::{Container, SectionKind};
use crate::{IndexRef, Key};

/// A file, its index, and `N` of its sections.
#[derive(Debug)]
pub(super) struct Held<K, const N: usize> {
    /// In a box, since what points to bytes that are freed when this value is dropped must not be moved with it.
    index: Box<IndexRef<'static, K>>,
    /// Point into the bytes of `container`.
    sections: [NonNull<[u8]>; N],
    /// Declared last, so dropped last.
    container: Container,
}

// SAFETY: the pointers are to bytes that nobody writes as long as they are held, and are only read.
unsafe impl<K: Send, const N: usize> Send for Held<K, N> {}
// SAFETY: as above: nothing behind the pointers is ever written.
unsafe impl<K: Sync, const N: usize> Sync for Held<K, N> {}

impl<K: Key, const N: usize> Held<K, N> {
    /// Opens the index of a file, whose layers it leaves unread, and finds the sections.
    pub(super) fn new(container: Container, kinds: [SectionKind; N]) -> Result<Self, MappedError> {
        let mut sections = [NonNull::from(&[][..]); N];
        for (section, kind) in sections.iter_mut().zip(kinds) {
            *section = NonNull::from(&container.bytes()[container.section(kind)?]);
        }
        let at = container.index();
        // SAFETY: the bytes of a container stay at one address and unchanged until it is dropped, wherever the
        // container itself moves: they are a mapping or the heap memory of a vector, and nothing here gives
        // mutable access to them. The index never leaves this value but borrowed for as long as `self` is, and is
        // dropped before the container is.
        let bytes: &'static [u8] = unsafe { NonNull::from(&container.bytes()[at.clone()]).as_ref() };
        let index = IndexRef::open_unverified(bytes, count(&container))
            .map_err(|source| failed(&container, source))?;
        Ok(Self { index: Box::new(index), sections, container })
    }

    #[inline(always)]
    pub(super) fn index(&self) -> &IndexRef<'_, K> {
        &self.index
    }

    /// The bytes of a section, by its place in the `kinds` the value was made with.
    #[inline(always)]
    pub(super) fn section(&self, number: usize) -> &[u8] {
        // SAFETY: made from a slice of the container's bytes, which stay where they are and unchanged as long as
        // `self` is there, and so as long as the borrow.
        unsafe { self.sections[number].as_ref() }
    }

    #[inline(always)]
    pub(super) fn container(&self) -> &Container {
        &self.container
    }

    /// Reads the whole index and compares it with its checksum.
    pub(super) fn verify_index(&self) -> Result<(), MappedError> {
        let bytes = &self.container.bytes()[self.container.index()];
        let opened = IndexRef::<K>::open(bytes, count(&self.container));
        opened.map(|_| ()).map_err(|source| failed(&self.container, source))
    }
}

fn count(container: &Container) -> usize {
    usize::try_from(container.count()).unwrap_or(usize::MAX)
}

fn failed(container: &Container, source: crate::Error) -> MappedError {
    MappedError::Index { place: container.place().to_owned(), offset: container.index().start as u64, source }
}
