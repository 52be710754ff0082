//! A version for a moment: held like an `Arc`, but without touching the count that all readers would share.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;

use super::Version;
use crate::layer::LayerKind;

/// The version that was current when it was taken, for as long as one call takes. Dereferences to it.
///
/// It keeps the version as an `Arc` does, and its layers' blobs with it. A thread can hold a few of them (eight) at
/// less cost than an `Arc`; beyond that they cost as much.
pub struct BorrowedVersion<K: LayerKind>(pub(super) Guard<Arc<Version<K>>>);

impl<K: LayerKind> From<Arc<Version<K>>> for BorrowedVersion<K> {
    fn from(version: Arc<Version<K>>) -> Self {
        BorrowedVersion(Guard::from_inner(version))
    }
}

impl<K: LayerKind> Deref for BorrowedVersion<K> {
    type Target = Version<K>;

    #[inline]
    fn deref(&self) -> &Version<K> {
        &self.0
    }
}

impl<K: LayerKind> fmt::Debug for BorrowedVersion<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}
