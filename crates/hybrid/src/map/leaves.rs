//! Where the slots of leaves lie: on the heap, or elsewhere.

use core::convert::Infallible;

use super::arena::Arena;
use super::block::Block;
use super::config::Config;

mod sealed {
    /// Keeps others from implementing [`Leaves`](super::Leaves): a map relies on what it was given back.
    pub trait Sealed {}
}
pub(super) use sealed::Sealed;

/// The slots of all leaves of a map. Either [`HeapLeaves`] or [`FileLeaves`](super::FileLeaves).
pub trait Leaves<C: Config>: Sealed {
    /// Why there may be no room for another leaf.
    type Error;

    /// Keys and values of a leaf.
    fn slots(&self, leaf: u32) -> (&[C::Key], &[C::Value]);

    /// Keys and values of a leaf, to be changed.
    fn slots_mut(&mut self, leaf: u32) -> (&mut [C::Key], &mut [C::Value]);

    /// A new leaf with the number that follows the last one's, filled with copies of one entry.
    ///
    /// # Errors
    /// If there is no room; nothing has changed then.
    fn add(&mut self, key: C::Key, value: C::Value) -> Result<u32, Self::Error>;

    /// How many leaves there are.
    fn count(&self) -> usize;

    /// Bytes reserved.
    fn bytes(&self) -> usize;
}

/// Keys and values of one leaf.
#[repr(C, align(64))]
struct Leaf<C: Config> {
    keys: C::LeafKeys,
    values: C::LeafValues,
}

/// Leaves on the heap.
pub struct HeapLeaves<C: Config> {
    arena: Arena<Leaf<C>>,
}

impl<C: Config> Default for HeapLeaves<C> {
    fn default() -> Self {
        Self { arena: Arena::new() }
    }
}

impl<C: Config> Sealed for HeapLeaves<C> {}

impl<C: Config> Leaves<C> for HeapLeaves<C> {
    type Error = Infallible;

    #[inline(always)]
    fn slots(&self, leaf: u32) -> (&[C::Key], &[C::Value]) {
        let leaf = self.arena.get(leaf);
        (leaf.keys.items(), leaf.values.items())
    }

    #[inline(always)]
    fn slots_mut(&mut self, leaf: u32) -> (&mut [C::Key], &mut [C::Value]) {
        let leaf = self.arena.get_mut(leaf);
        (leaf.keys.items_mut(), leaf.values.items_mut())
    }

    fn add(&mut self, key: C::Key, value: C::Value) -> Result<u32, Infallible> {
        let leaf = Leaf { keys: C::LeafKeys::filled(key), values: C::LeafValues::filled(value) };
        Ok(self.arena.add(leaf))
    }

    fn count(&self) -> usize {
        self.arena.live()
    }

    fn bytes(&self) -> usize {
        self.arena.bytes()
    }
}
