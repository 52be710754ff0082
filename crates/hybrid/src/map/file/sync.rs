//! Making what a map holds durable.

use bytemuck::Pod;
use xxhash_rust::xxh3::xxh3_64;

use super::error::MapFileError;
use super::header::{Header, PAGE};
use super::leaves::{FileLeaves, Layout, MappedMap};
use super::table::{ROW, Row};
use crate::map::config::Config;
use crate::map::leaves::Leaves;
use crate::map::map::HybridMap;
use crate::map::node_ref::NodeRef;
use crate::mapped::MappedRegion;

impl<C: Config<Key: Pod, Value: Pod>> MappedMap<C> {
    /// An empty map in a file, whatever the file held.
    ///
    /// # Errors
    /// [`MapFileError::Region`] if the file cannot be grown or synced.
    pub fn create(mut region: MappedRegion) -> Result<Self, MapFileError> {
        region.grow(PAGE)?;
        let mut map = Self::over(C::Policy::default(), FileLeaves::new(region, 0, false));
        map.sync()?;
        Ok(map)
    }

    /// Makes the file hold what the map holds now, durably: it can be opened from now on, until the map is next
    /// changed. Without it the file of a changed map is lost when the map is dropped.
    ///
    /// Computes the checksums of all leaves and waits for the disk twice: O(bytes). Does nothing if there was no
    /// change.
    ///
    /// # Errors
    /// [`MapFileError::Region`]; then it is not known what reached the disk.
    pub fn sync(&mut self) -> Result<(), MapFileError> {
        if self.leaves.synced {
            return Ok(());
        }
        self.leaves.region.begin_scan();
        let mut table = Vec::with_capacity(self.leaves.count() * ROW);
        for node in self.leaf_refs() {
            let (leaf, head) = (node.index(), *self.heads.get(node.index()));
            Row { leaf, kind: node.kind(), head, checksum: xxh3_64(self.leaves.block(leaf)) }
                .write(&mut table);
        }
        let start = PAGE + self.leaves.count() * Layout::<C>::STRIDE;
        let region = &mut self.leaves.region;
        region.end_scan();
        region.grow(start + table.len())?;
        region.bytes_mut()[start..start + table.len()].copy_from_slice(&table);
        // First what the header speaks of, then the header.
        region.sync()?;
        let header = Header {
            synced: true,
            leaves: self.leaves.count as u64,
            entries: self.len as u64,
            table: xxh3_64(&table),
        };
        header.write::<C>(&mut region.bytes_mut()[..PAGE]);
        region.sync()?;
        self.leaves.synced = true;
        Ok(())
    }
}

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// All leaves in the order of keys.
    fn leaf_refs(&self) -> Vec<NodeRef> {
        let mut level = if self.len > 0 { vec![self.root] } else { Vec::new() };
        while level.first().is_some_and(|node| !node.kind().is_leaf()) {
            level = self.below(&level);
        }
        level
    }
}
