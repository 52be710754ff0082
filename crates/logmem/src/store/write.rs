//! Putting and removing: what happens under the lock of a shard.

use crate::sync::epoch::Guard;

use super::core::Core;
use super::entry::{Entry, Header};
use super::room::Effort;
use super::slots::State;
use super::value::{Expected, Version};
use crate::error::Error;
use crate::index::{Crowded, Place, ShardWriter};
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
pub(super) enum Refusal {
    Final(Error),
    Short(Shortage),
    /// The index must grow.
    Crowded,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::OutOfMemory { requested, .. } => Refusal::Short(Shortage::Bytes(requested)),
            error => Refusal::Final(error),
        }
    }
}

impl From<Shortage> for Refusal {
    fn from(shortage: Shortage) -> Refusal {
        Refusal::Short(shortage)
    }
}

impl From<Crowded> for Refusal {
    fn from(Crowded: Crowded) -> Refusal {
        Refusal::Crowded
    }
}

/// A key's present entry and where its word stands.
struct Found<'g> {
    place: Place,
    at: Location,
    entry: Entry<'g>,
}

impl Core {
    pub(super) fn write(&self, key: &[u8], value: &[u8], expected: Expected) -> Result<Version, Error> {
        let hash = self.hash(key);
        // Reckoned only when it is needed: that takes divisions.
        let mut effort: Option<Effort> = None;
        let make_room = |shortage, effort: &mut Option<Effort>| {
            self.make_room(shortage, effort.get_or_insert_with(|| self.new_effort()))
        };
        loop {
            let everywhere = effort.as_ref().is_some_and(|effort| effort.everywhere);
            match self.try_write(hash, key, value, expected, everywhere) {
                Ok(version) => {
                    self.keep_pace(key.len() + value.len());
                    return Ok(version);
                }
                Err(Refusal::Final(error)) => return Err(error),
                Err(Refusal::Short(shortage)) => make_room(shortage, &mut effort)?,
                Err(Refusal::Crowded) => match self.relieve_index(hash).map_err(Refusal::from) {
                    Err(Refusal::Short(shortage)) => make_room(shortage, &mut effort)?,
                    Err(Refusal::Final(error)) => return Err(error),
                    Ok(()) | Err(Refusal::Crowded) => {}
                },
            }
        }
    }

    pub(super) fn erase(&self, key: &[u8], expected: Expected) -> Result<Option<Version>, Error> {
        let hash = self.hash(key);
        let guard = crate::sync::epoch::pin();
        let writer = self.index.lock(hash);
        let found = self.find_locked(&writer, hash, key, &guard);
        let version = found.as_ref().map(|found| Version(found.entry.version));
        if !expected.allows(version) {
            return Err(Error::VersionMismatch { found: version });
        }
        let Some(Found { place, at, entry }) = found else { return Ok(None) };
        writer.remove(place);
        self.versions.removed(hash, entry.version);
        self.slots.remove_live(at.segment(), entry.bytes.len(), &guard);
        drop((writer, guard));
        self.index.shrink(self);
        Ok(version)
    }

    /// Writes if memory suffices; `everywhere`: if need be, in an open segment that is not this thread's.
    fn try_write(
        &self,
        hash: u64,
        key: &[u8],
        value: &[u8],
        expected: Expected,
        everywhere: bool,
    ) -> Result<Version, Refusal> {
        // Three locked instructions come before it is looked at.
        self.index.prefetch(hash);
        self.index.grow(&self.pool, self)?;
        let guard = crate::sync::epoch::pin();
        let writer = self.index.lock(hash);
        let found = self.find_locked(&writer, hash, key, &guard);
        let present = found.as_ref().map(|found| Version(found.entry.version));
        if !expected.allows(present) {
            return Err(Refusal::Final(Error::VersionMismatch { found: present }));
        }
        // Versions are given under the lock, so that a key's versions rise in the order of its writes.
        let version = self.versions.next(hash, present.map(Version::to_bits));
        match found {
            Some(Found { place, at: old, entry }) => {
                let header = Header::new(key, value, version);
                let at = self.append([header.as_bytes(), key, value], everywhere, &guard)?;
                writer.set(place, hash, at);
                self.slots.remove_live(old.segment(), entry.bytes.len(), &guard);
            }
            None => {
                let vacancy = writer.vacancy(hash, self, &guard)?;
                let header = Header::new(key, value, version);
                let at = self.append([header.as_bytes(), key, value], everywhere, &guard)?;
                writer.insert(vacancy, hash, at);
            }
        }
        Ok(Version(version))
    }

    /// Lets the index grow where a key found no room.
    fn relieve_index(&self, hash: u64) -> Result<(), Error> {
        self.index.relieve(hash, &self.pool, self)
    }

    /// Copies an entry into an open segment or a run. It counts as live from here on.
    pub(super) fn append(
        &self,
        parts: [&[u8]; 3],
        everywhere: bool,
        guard: &Guard,
    ) -> Result<Location, Refusal> {
        let bytes = parts
            .iter()
            .try_fold(0_usize, |sum, part| sum.checked_add(part.len()))
            .ok_or(Error::EntryTooLarge { bytes: usize::MAX, limit: self.pool.capacity_bytes() })?;
        let place = if bytes > self.pool.segment_bytes() {
            self.append_run(bytes, &parts, guard)?
        } else {
            let own = self.append_in(*self.heads.lock(), &parts, guard);
            let any = || self.heads.lock_each().find_map(|head| self.append_in(*head, &parts, guard));
            own.or_else(|| if everywhere { any() } else { None }).ok_or(Shortage::Head(bytes))?
        };
        Ok(Location::pack(0, place.0, place.1))
    }

    fn append_run(&self, bytes: usize, parts: &[&[u8]], guard: &Guard) -> Result<(u32, usize), Refusal> {
        // Without asking anybody for memory, since the lock of a shard is held.
        let run = self.pool.try_take_run(bytes)?;
        let number = self.slots.adopt(run, State::Run, None).unwrap_or(0);
        Ok(self.append_in(number, parts, guard).ok_or(Shortage::Bytes(bytes))?)
    }

    /// Appends to a segment that this thread has the lock of, or that nobody else knows.
    fn append_in(&self, number: u32, parts: &[&[u8]], guard: &Guard) -> Option<(u32, usize)> {
        Some((number, self.slots.segment(number, guard)?.append(parts)?))
    }

    /// Looks a key up under the shard's lock, where every word is current.
    fn find_locked<'g>(
        &'g self,
        writer: &ShardWriter<'_>,
        hash: u64,
        key: &[u8],
        guard: &'g Guard,
    ) -> Option<Found<'g>> {
        let mut entry = None;
        let (place, at) = writer.find(hash, |at| {
            entry = self.slots.entry(at, guard).filter(|entry| entry.is_of(key));
            entry.is_some()
        })?;
        Some(Found { place, at, entry: entry? })
    }
}
