//! Putting and removing: what happens under the lock of a shard.

use crate::sync::atomic::Ordering;

use crate::sync::epoch::Guard;

use super::api::Store;
use super::entry::{Entry, Header};
use super::index::{Shard, ShardWriter};
use super::room::Effort;
use super::slots::State;
use super::table::tag_of;
use super::value::{Expected, Version};
use crate::error::Error;
use crate::location::Location;

/// What a writer lacked. It lets go of its locks, makes room and tries again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shortage {
    /// Room for an entry of that size in the open segment.
    Head(usize),
    /// A run for an entry of that size, or a larger table.
    Bytes(usize),
}

/// How a write ended that could not go through.
enum Refusal {
    Final(Error),
    Short(Shortage),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::OutOfMemory { requested, .. } => Refusal::Short(Shortage::Bytes(requested)),
            error => Refusal::Final(error),
        }
    }
}

/// A key's present entry and where its word stands.
struct Found<'g> {
    position: usize,
    at: Location,
    entry: Entry<'g>,
}

impl Store {
    pub(super) fn write(&self, key: &[u8], value: &[u8], expected: Expected) -> Result<Version, Error> {
        let hash = self.hash(key);
        let shard = self.index.shard(hash);
        let mut effort = Effort::new(&self.pool);
        loop {
            match self.try_write(shard, hash, key, value, expected) {
                Ok(version) => return Ok(version),
                Err(Refusal::Final(error)) => return Err(error),
                Err(Refusal::Short(shortage)) => self.make_room(shortage, &mut effort)?,
            }
        }
    }

    pub(super) fn erase(&self, key: &[u8], expected: Expected) -> Result<Option<Version>, Error> {
        let hash = self.hash(key);
        let guard = crate::sync::epoch::pin();
        let mut writer = self.index.shard(hash).lock();
        let found = self.find_locked(&writer, hash, key, &guard);
        let version = found.as_ref().map(|found| Version(found.entry.version));
        if !expected.allows(version) {
            return Err(Error::VersionMismatch { found: version });
        }
        if let Some(Found { position, at, entry }) = found {
            let bytes = entry.bytes.len();
            writer.remove(position, &guard);
            self.slots.remove_live(at.segment(), bytes, &guard);
        }
        Ok(version)
    }

    fn try_write(
        &self,
        shard: &Shard,
        hash: u64,
        key: &[u8],
        value: &[u8],
        expected: Expected,
    ) -> Result<Version, Refusal> {
        let guard = crate::sync::epoch::pin();
        let mut writer = shard.lock();
        let found = self.find_locked(&writer, hash, key, &guard);
        let present = found.as_ref().map(|found| Version(found.entry.version));
        if !expected.allows(present) {
            return Err(Refusal::Final(Error::VersionMismatch { found: present }));
        }
        let found = found.map(|found| (found.position, found.at, found.entry.bytes.len()));
        if found.is_none() {
            let hash_at = |at| self.slots.entry(at, &guard).map(|entry| self.hash(entry.key));
            writer.reserve(&self.pool, &guard, self.slots.awaiting(), hash_at)?;
        }
        // Versions are given under the lock, so that a key's versions rise in the order of its writes.
        let version = self.last_version.fetch_add(1, Ordering::Relaxed) + 1;
        let (at, bytes) = self.append(hash, key, value, version, &guard)?;
        match found {
            Some((position, old, old_bytes)) => {
                if let Some(table) = writer.shard_table(&guard) {
                    table.set(position, at);
                }
                self.slots.remove_live(old.segment(), old_bytes, &guard);
            }
            None => {
                if !writer.insert(hash, at, &guard) {
                    // Cannot happen after `reserve`; the entry is dead then, and the caller told.
                    self.slots.remove_live(at.segment(), bytes, &guard);
                    return Err(Refusal::Short(Shortage::Bytes(bytes)));
                }
            }
        }
        Ok(Version(version))
    }

    /// Copies an entry into the open segment or a run. It counts as live from here on.
    fn append(
        &self,
        hash: u64,
        key: &[u8],
        value: &[u8],
        version: u64,
        guard: &Guard,
    ) -> Result<(Location, usize), Refusal> {
        let header = Header::new(key, value, version);
        let parts = [header.as_bytes(), key, value];
        let bytes = parts
            .iter()
            .try_fold(0_usize, |sum, part| sum.checked_add(part.len()))
            .ok_or(Error::EntryTooLarge { bytes: usize::MAX, limit: self.pool.capacity_bytes() })?;
        let segment_bytes = self.pool.segment_bytes();
        if bytes > segment_bytes {
            // Without asking anybody for memory, since the lock of a shard is held.
            let run = self.pool.try_take_run(bytes)?;
            let number = self.slots.adopt(run, State::Run, None).unwrap_or(0);
            let run = self.slots.segment(number, guard);
            let offset =
                run.and_then(|run| run.append(&parts)).ok_or(Refusal::Short(Shortage::Bytes(bytes)))?;
            return Ok((Location::pack(tag_of(hash), number, offset), bytes));
        }
        let head = self.head.lock();
        let open = self.slots.segment(*head, guard);
        let offset =
            open.and_then(|segment| segment.append(&parts)).ok_or(Refusal::Short(Shortage::Head(bytes)))?;
        Ok((Location::pack(tag_of(hash), *head, offset), bytes))
    }

    /// Looks a key up under the shard's lock, where every word is current.
    fn find_locked<'g>(
        &'g self,
        writer: &ShardWriter<'_>,
        hash: u64,
        key: &[u8],
        guard: &'g Guard,
    ) -> Option<Found<'g>> {
        writer.shard_table(guard)?.candidates(hash).find_map(|(position, at)| {
            let entry = self.slots.entry(at, guard).filter(|entry| entry.key == key)?;
            Some(Found { position, at, entry })
        })
    }
}
