//! Leaves in a mapped file, and the map over them.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::RangeBounds;

use bytemuck::Pod;

use super::error::MapFileError;
use super::header::{Header, PAGE};
use crate::map::config::{Config, Lengths};
use crate::map::leaves::{Leaves, Sealed};
use crate::map::map::HybridMap;
use crate::map::node_ref::MOST_NODES;
use crate::mapped::MappedRegion;

/// A [`HybridMap`] whose entries lie in a mapped file.
pub type MappedMap<C> = HybridMap<C, FileLeaves<C>>;

/// Where what lies in a leaf's bytes.
pub(super) struct Layout<C>(PhantomData<C>);

impl<C: Config> Layout<C> {
    pub(super) const VALUE: usize = size_of::<C::Value>();
    const KEYS: usize = Lengths::<C>::LEAF * size_of::<C::Key>();
    const VALUES: usize = Lengths::<C>::LEAF * Self::VALUE;
    /// Bytes from one leaf to the next.
    pub(super) const STRIDE: usize = (Self::KEYS + Self::VALUES).next_multiple_of(64);
    const CHECKED: () = {
        assert!(Self::VALUE > 0, "values in a file have at least one byte");
        assert!(
            Self::KEYS.is_multiple_of(align_of::<C::Value>()),
            "values follow the keys of a leaf unaligned"
        );
        assert!(
            align_of::<C::Value>() <= 64 && align_of::<C::Key>() <= 64,
            "leaves begin at multiples of 64"
        );
    };
}

/// Leaves that lie one after another in a mapped file.
pub struct FileLeaves<C> {
    pub(super) region: MappedRegion,
    pub(super) count: usize,
    /// Whether the file says that it is synced.
    pub(super) synced: bool,
    config: PhantomData<C>,
}

impl<C: Config> FileLeaves<C> {
    pub(super) fn new(region: MappedRegion, count: usize, synced: bool) -> Self {
        const { Layout::<C>::CHECKED };
        Self { region, count, synced, config: PhantomData }
    }

    pub(super) fn place(&self) -> String {
        self.region.path().display().to_string()
    }

    /// Makes the file say, durably, that it is being changed.
    pub(super) fn begin_change(&mut self) -> Result<(), MapFileError> {
        if self.synced {
            let header = Header { synced: false, leaves: 0, entries: 0, table: 0 };
            header.write::<C>(&mut self.region.bytes_mut()[..PAGE]);
            self.region.sync()?;
            self.synced = false;
        }
        Ok(())
    }

    /// The bytes of a leaf.
    #[inline(always)]
    pub(super) fn block(&self, leaf: u32) -> &[u8] {
        let at = PAGE + leaf as usize * Layout::<C>::STRIDE;
        &self.region.bytes()[at..at + Layout::<C>::STRIDE]
    }
}

impl<C: Config> Sealed for FileLeaves<C> {}

impl<C: Config<Key: Pod, Value: Pod>> Leaves<C> for FileLeaves<C> {
    type Error = MapFileError;

    #[inline(always)]
    fn slots(&self, leaf: u32) -> (&[C::Key], &[C::Value]) {
        let (keys, rest) = self.block(leaf).split_at(Layout::<C>::KEYS);
        (bytemuck::cast_slice(keys), bytemuck::cast_slice(&rest[..Layout::<C>::VALUES]))
    }

    #[inline(always)]
    fn slots_mut(&mut self, leaf: u32) -> (&mut [C::Key], &mut [C::Value]) {
        let at = PAGE + leaf as usize * Layout::<C>::STRIDE;
        let block = &mut self.region.bytes_mut()[at..at + Layout::<C>::STRIDE];
        let (keys, rest) = block.split_at_mut(Layout::<C>::KEYS);
        (bytemuck::cast_slice_mut(keys), bytemuck::cast_slice_mut(&mut rest[..Layout::<C>::VALUES]))
    }

    /// Grows the file by an eighth if it has to, which takes O(new bytes).
    fn add(&mut self, key: C::Key, value: C::Value) -> Result<u32, MapFileError> {
        if self.count >= MOST_NODES {
            return Err(MapFileError::Full { place: self.place() });
        }
        let end = PAGE + (self.count + 1) * Layout::<C>::STRIDE;
        if end > self.region.len() {
            let more = (self.region.len() / 8).max(16 * Layout::<C>::STRIDE);
            self.region.grow((end + more).next_multiple_of(PAGE))?;
        }
        let index = self.count as u32;
        self.count += 1;
        let (keys, values) = self.slots_mut(index);
        keys.fill(key);
        values.fill(value);
        Ok(index)
    }

    fn count(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.region.len()
    }
}

impl<C: Config<Key: Pod, Value: Pod>> MappedMap<C> {
    /// Sets the value of a key and returns the old one.
    ///
    /// As on the heap, but that the file may have to grow, which takes O(new bytes), an eighth of the file, and
    /// that the first change after a sync waits for the disk.
    ///
    /// # Errors
    /// [`MapFileError::Region`] if the file cannot grow, for one because the disk is full, or not be marked as
    /// being changed; [`MapFileError::Full`]. All entries are then as they were.
    #[inline]
    pub fn insert(&mut self, key: C::Key, value: C::Value) -> Result<Option<C::Value>, MapFileError> {
        self.leaves.begin_change()?;
        self.put(key, value)
    }

    /// Changes the value of a key in place, in O(log n); returns whether the key is there.
    ///
    /// # Errors
    /// [`MapFileError::Region`] if the file cannot be marked as being changed.
    pub fn update(&mut self, key: C::Key, change: impl FnOnce(&mut C::Value)) -> Result<bool, MapFileError> {
        let Some((leaf, slot)) = self.locate(key) else { return Ok(false) };
        self.leaves.begin_change()?;
        change(&mut self.leaves.slots_mut(leaf).1[slot]);
        Ok(true)
    }

    /// Shows each entry of a range with a cell over its value, ascending, in O(log n + entries).
    ///
    /// # Errors
    /// [`MapFileError::Region`] if the file cannot be marked as being changed.
    pub fn update_range(
        &mut self,
        keys: impl RangeBounds<C::Key>,
        change: impl FnMut(C::Key, &Cell<C::Value>),
    ) -> Result<(), MapFileError> {
        self.leaves.begin_change()?;
        self.change_range(keys, change);
        Ok(())
    }
}
