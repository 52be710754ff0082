//! Entries on their way from leaves to leaves.

use super::config::{Config, Lengths};
use super::slots::gather;

/// Where entries wait while their leaves are written anew. Kept by the map for its memory, which is that of
/// some four leaves.
pub(super) struct Moving<C: Config> {
    keys: Vec<C::Key>,
    values: Vec<C::Value>,
    len: usize,
}

impl<C: Config> Default for Moving<C> {
    fn default() -> Self {
        Self { keys: Vec::new(), values: Vec::new(), len: 0 }
    }
}

impl<C: Config> Moving<C> {
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds the entries of a leaf.
    pub(super) fn gather(&mut self, (keys, values): (&[C::Key], &[C::Value])) {
        let most = self.len + Lengths::<C>::LEAF;
        if self.keys.len() < most {
            self.keys.resize(most, keys[0]);
            self.values.resize(most, values[0]);
        }
        let free = (&mut self.keys[self.len..most], &mut self.values[self.len..most]);
        self.len += gather((keys, values), free);
    }

    /// The entries that wait.
    pub(super) fn entries(&self) -> (&[C::Key], &[C::Value]) {
        (&self.keys[..self.len], &self.values[..self.len])
    }

    /// Bytes reserved.
    pub(super) fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<C::Key>() + self.values.capacity() * size_of::<C::Value>()
    }
}
