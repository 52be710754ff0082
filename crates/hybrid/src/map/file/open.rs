//! Opening the file of a map: everything in it is checked once, then trusted while the file is locked.

use bytemuck::Pod;
use xxhash_rust::xxh3::xxh3_64;

use super::error::MapFileError;
use super::header::{Header, PAGE};
use super::leaves::{FileLeaves, Layout, MappedMap};
use super::table::{ROW, Row};
use crate::map::config::{Config, Lengths};
use crate::map::leaf::NO_LEAF;
use crate::map::leaves::Leaves;
use crate::map::node_ref::{MOST_NODES, NodeKind, NodeRef};
use crate::map::slots::is_gap;
use crate::mapped::MappedRegion;

impl<C: Config<Key: Pod, Value: Pod>> MappedMap<C> {
    /// Opens the map that a file held when it was last synced, with everything as it was then.
    ///
    /// Reads the whole file once, to compare it with its checksums and to see that each leaf is in order: O(bytes).
    /// Inner nodes are built anew. Of a file larger than memory that will be asked for keys in no order, tell the
    /// region ([`MappedRegion::expect_random_access`]).
    ///
    /// # Errors
    /// [`MapFileError::NotSynced`] if it was changed after that; the others say what is wrong with the file.
    pub fn open(region: MappedRegion) -> Result<Self, MapFileError> {
        let header = Header::read::<C>(&region)?;
        let place = region.path().display().to_string();
        let wrong = |offset: usize, what| MapFileError::Inconsistent {
            place: place.clone(),
            offset: offset as u64,
            what,
        };
        let count = usize::try_from(header.leaves).ok().filter(|count| *count <= MOST_NODES);
        let end = count.and_then(|count| count.checked_mul(Layout::<C>::STRIDE + ROW)?.checked_add(PAGE));
        let (Some(count), Some(_)) = (count, end.filter(|end| *end <= region.len())) else {
            return Err(wrong(32, "more leaves than the file has room for"));
        };
        let start = PAGE + count * Layout::<C>::STRIDE;
        let table = region.bytes()[start..start + count * ROW].to_vec();
        let computed = xxh3_64(&table);
        if computed != header.table {
            let (what, stored) = ("the table of leaves", header.table);
            return Err(MapFileError::Damaged { place, what, offset: start as u64, stored, computed });
        }
        let mut rows = Vec::with_capacity(count);
        for (number, row) in table.as_chunks::<ROW>().0.iter().enumerate() {
            let row = Row::<C::Key>::read(row, NO_LEAF).filter(|row| (row.leaf as usize) < count);
            rows.push(row.ok_or_else(|| wrong(start + number * ROW, "no such leaf"))?);
        }
        region.begin_scan();
        let mut map = Self::over(C::Policy::default(), FileLeaves::new(region, count, true));
        map.check(&rows)?;
        map.hang_up(rows);
        map.leaves.region.end_scan();
        if map.len as u64 != header.entries {
            return Err(wrong(40, "another number of entries than the leaves hold"));
        }
        Ok(map)
    }

    /// Checks every leaf by its row, and that keys ascend from leaf to leaf.
    fn check(&self, rows: &[Row<C::Key>]) -> Result<(), MapFileError> {
        let mut seen = vec![false; rows.len()];
        let mut last = None;
        for row in rows {
            let offset = (PAGE + row.leaf as usize * Layout::<C>::STRIDE) as u64;
            let computed = xxh3_64(self.leaves.block(row.leaf));
            if computed != row.checksum {
                let (place, what, stored) = (self.leaves.place(), "a leaf", row.checksum);
                return Err(MapFileError::Damaged { place, what, offset, stored, computed });
            }
            let (keys, _) = self.leaves.slots(row.leaf);
            let entries = (0..keys.len()).filter(|slot| !is_gap(keys, *slot)).count();
            let packed = (1..row.head.len().min(keys.len())).all(|slot| !is_gap(keys, slot));
            let what = if core::mem::replace(&mut seen[row.leaf as usize], true) {
                "a leaf that the table names twice"
            } else if !keys.is_sorted() || last.is_some_and(|last| keys[0] <= last) {
                "keys that do not ascend"
            } else if entries != row.head.len() {
                "another number of entries than its row says"
            } else if row.kind == NodeKind::Packed && !packed {
                "a packed leaf with gaps"
            } else {
                last = keys.last().copied();
                continue;
            };
            return Err(MapFileError::Inconsistent { place: self.leaves.place(), offset, what });
        }
        Ok(())
    }

    /// Takes leaves over whose rows have been checked: every leaf is named once.
    fn hang_up(&mut self, mut rows: Vec<Row<C::Key>>) {
        debug_assert!(rows.iter().all(|row| row.head.len() <= Lengths::<C>::LEAF));
        for at in 1..rows.len() {
            rows[at - 1].head.next = rows[at].leaf;
        }
        self.len = rows.iter().map(|row| row.head.len()).sum();
        self.first = rows.first().map_or(NO_LEAF, |row| row.leaf);
        self.last = rows.last().map_or(NO_LEAF, |row| row.leaf);
        let level =
            rows.iter().map(|row| (self.leaves.slots(row.leaf).0[0], NodeRef::new(row.kind, row.leaf)));
        let level: Vec<_> = level.collect();
        rows.sort_unstable_by_key(|row| row.leaf);
        for row in &rows {
            self.heads.add(row.head);
        }
        if let Some(root) = self.build_up(level) {
            self.root = root;
        }
    }
}
