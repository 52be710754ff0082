//! The index: shards chosen by the top bits of the hash, each a table under a lock for writers.

use crate::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use crate::sync::epoch::Guard;
use crate::sync::{Mutex, MutexGuard};

use super::table::Table;
use crate::error::Error;
use crate::location::Location;
use crate::memory::EpochCell;
use crate::pool::{Charge, Pool};

/// Shards are chosen by at most this many top bits of the hash.
pub(super) const MAX_SHARD_BITS: u32 = 10;
const MIN_SHARD_BITS: u32 = 4;
/// One shard for so many bytes of the budget keeps a table's replacement short.
const BYTES_PER_SHARD: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Index {
    shards: Box<[Shard]>,
    shard_bits: u32,
    charge: Charge,
}

#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Shard {
    /// Replaced only under `writer`; read under an epoch guard. Never empty.
    table: EpochCell<Table>,
    /// Tombstones in the table. The lock makes the shard's writers take turns.
    writer: Mutex<usize>,
    /// Changed only under `writer`.
    entries: AtomicUsize,
}

impl Index {
    pub(super) fn new(pool: &Pool) -> Result<Index, Error> {
        let wanted = (pool.capacity_bytes() / BYTES_PER_SHARD).max(1).ilog2();
        let shard_bits = wanted.clamp(MIN_SHARD_BITS, MAX_SHARD_BITS);
        let count = 1_usize << shard_bits;
        let charge = pool.charge(count * size_of::<Shard>())?;
        let mut shards = Vec::with_capacity(count);
        for _ in 0..count {
            let table = Table::new(pool, Table::words_for(0))?;
            shards.push(Shard {
                table: EpochCell::new(Some(table)),
                writer: Mutex::new(0),
                entries: AtomicUsize::new(0),
            });
        }
        Ok(Index { shards: shards.into_boxed_slice(), shard_bits, charge })
    }

    pub(super) fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> (64 - self.shard_bits)) as usize]
    }

    pub(super) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(Shard::len).sum()
    }

    pub(super) fn size_bytes(&self) -> usize {
        let guard = crate::sync::epoch::pin();
        let tables = self.shards.iter().filter_map(|shard| shard.table(&guard)).map(Table::size_bytes);
        self.charge.bytes() + tables.sum::<usize>()
    }
}

impl Shard {
    /// The table now. Without the lock it may be replaced meanwhile, and then keeps its last state.
    pub(super) fn table<'g>(&'g self, guard: &'g Guard) -> Option<&'g Table> {
        self.table.load(guard)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn lock(&self) -> ShardWriter<'_> {
        ShardWriter { shard: self, tombstones: self.writer.lock() }
    }
}

/// A shard whose lock is held.
pub(super) struct ShardWriter<'a> {
    shard: &'a Shard,
    tombstones: MutexGuard<'a, usize>,
}

impl<'a> ShardWriter<'a> {
    /// The table, borrowed from the shard and not from the lock: reads do not need it.
    pub(super) fn shard_table<'g>(&self, guard: &'g Guard) -> Option<&'g Table>
    where
        'a: 'g,
    {
        self.shard.table(guard)
    }

    /// Makes sure that another key can be inserted; replaces the table by one of fitting size if it is
    /// crowded. `hash_at` gives the hash of the key at a location; `awaiting` counts the bytes that wait for
    /// readers to finish, the old table's among them.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the table is full and the pool has no room for another.
    pub(super) fn reserve(
        &mut self,
        pool: &Pool,
        guard: &Guard,
        awaiting: &Arc<AtomicUsize>,
        hash_at: impl Fn(Location) -> Option<u64>,
    ) -> Result<(), Error> {
        let entries = self.shard.len();
        let used = entries + *self.tombstones;
        let Some(table) = self.shard.table(guard).filter(|table| table.is_crowded(used)) else {
            return Ok(());
        };
        let larger = match Table::new(pool, Table::words_for(entries + 1)) {
            Ok(larger) => larger,
            // Longer probes are better than a refusal.
            Err(_) if !table.is_full(used) => return Ok(()),
            Err(error) => return Err(error),
        };
        for location in table.locations() {
            if let Some(hash) = hash_at(location) {
                larger.insert(hash, location);
            }
        }
        let (size, awaiting) = (table.size_bytes(), Arc::clone(awaiting));
        awaiting.fetch_add(size, Ordering::Relaxed);
        self.shard.table.replace(Some(larger), guard, move |table| {
            drop(table);
            awaiting.fetch_sub(size, Ordering::Relaxed);
        });
        *self.tombstones = 0;
        guard.flush();
        Ok(())
    }

    /// Inserts a key that is not there; `reserve` has made room.
    pub(super) fn insert(&mut self, hash: u64, location: Location, guard: &Guard) -> bool {
        let Some(was_tombstone) = self.shard_table(guard).and_then(|table| table.insert(hash, location))
        else {
            return false;
        };
        *self.tombstones -= usize::from(was_tombstone);
        self.shard.entries.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Removes the key at a position of the table.
    pub(super) fn remove(&mut self, position: usize, guard: &Guard) {
        let change = self.shard_table(guard).map_or(0, |table| table.remove(position));
        *self.tombstones = self.tombstones.saturating_add_signed(change);
        self.shard.entries.fetch_sub(1, Ordering::Relaxed);
    }
}
