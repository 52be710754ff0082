//! Bytes together with the guard that keeps them from being dropped.

use std::marker::PhantomData;

use crate::sync::epoch::Guard;

/// Bytes inside something that lives for `'a`, kept readable by a guard of its own.
pub(crate) struct Pinned<'a> {
    bytes: *const [u8],
    /// Dropped with the value; until then nothing that was linked when it was pinned is freed.
    _guard: Guard,
    _owner: PhantomData<&'a [u8]>,
}

impl<'a> Pinned<'a> {
    /// Pins, lets `find` look the bytes up under the guard, and keeps the guard if it found some.
    pub(crate) fn find<O: ?Sized>(
        owner: &'a O,
        find: impl for<'g> FnOnce(&'g O, &'g Guard) -> Option<&'g [u8]>,
    ) -> Option<Pinned<'a>> {
        let guard = crate::sync::epoch::pin();
        let bytes: *const [u8] = find(owner, &guard)?;
        Some(Pinned { bytes, _guard: guard, _owner: PhantomData })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `find` could only return bytes that live as long as both the owner is borrowed (`'a`, which
        // outlives `self`) and the guard exists (a field of `self`); that the guard was moved since changes
        // nothing, for it protects by being pinned, not by its address.
        unsafe { &*self.bytes }
    }
}
