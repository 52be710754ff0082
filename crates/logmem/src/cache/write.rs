//! Inserting and removing: what happens under the lock of a shard.

use super::api::Shared;
use super::heads::NEVER;
use super::read::stamp_of;
use super::statistics::add;
use crate::error::Error;
use crate::index::{Place, ShardWriter, heat_of, with_heat};
use crate::location::Location;
use crate::store::entry::{Entry, Header};
use crate::sync::epoch::Guard;

/// What an insertion lacked. It lets go of its locks, sees to it and tries again.
enum Shortage {
    /// Room for so many bytes in the open segment.
    Head(usize),
    /// Room in the index.
    Index,
}

/// A key's present entry and where its word stands.
struct Found {
    place: Place,
    at: Location,
    bytes: usize,
}

/// How often an insertion tries anew before it gives up; each try follows an eviction.
const PATIENCE: usize = 64;

impl Shared {
    pub(super) fn insert(&self, key: &[u8], value: &[u8], seconds: Option<u64>) -> Result<(), Error> {
        let hash = self.hash(key);
        let expiry = seconds.map_or(NEVER, |seconds| self.now().saturating_add(seconds).min(NEVER - 1));
        let header = Header::new(key, value, stamp_of(expiry));
        let limit = self.pool.segment_bytes();
        let lengths = [header.as_bytes().len(), key.len(), value.len()];
        let bytes = lengths.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
        if bytes > limit {
            self.remove_hashed(hash, key);
            return Err(Error::EntryTooLarge { bytes, limit });
        }
        let parts = [header.as_bytes(), key, value];
        let mut outcome = Ok(());
        for _ in 0..PATIENCE {
            // Crowded or not: an insertion finds room up to a load that eviction keeps it from.
            let _ = self.index.grow(&self.pool, self);
            outcome = match self.try_insert(hash, key, parts, expiry) {
                Ok(()) => {
                    self.counters.insertion();
                    self.work_off(bytes);
                    return Ok(());
                }
                Err(Shortage::Head(bytes)) => self.open_segment(bytes),
                Err(Shortage::Index) => self.relieve_index(hash),
            };
            if outcome.is_err() {
                break;
            }
        }
        // What the key had is out of date now, wherever the new value is.
        self.remove_hashed(hash, key);
        add(&self.counters.refused, 1);
        outcome.and_then(|()| Err(self.out_of_memory(bytes)))
    }

    fn try_insert(&self, hash: u64, key: &[u8], parts: [&[u8]; 3], expiry: u64) -> Result<(), Shortage> {
        let guard = crate::sync::epoch::pin();
        let writer = self.index.lock(hash);
        let found = self.find_locked(&writer, hash, key, &guard);
        let vacancy = match found {
            Some(_) => None,
            None => {
                let vacancy = writer.vacancy(hash, self, &guard);
                Some(vacancy.map_err(|_| Shortage::Index)?)
            }
        };
        let at = self.append(parts, expiry, &guard)?;
        match (found, vacancy) {
            (Some(Found { place, at: old, bytes }), _) => {
                writer.set(place, hash, with_heat(at, heat_of(old)));
                self.slots.remove_live(old.segment(), bytes, &guard);
            }
            (None, Some(vacancy)) => {
                // A key that comes back is worth more than one never seen.
                let heat = self.ghost.recall(hash).map_or(0, |heat| heat + 1);
                writer.insert(vacancy, hash, with_heat(at, heat));
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Copies an entry into the open segment.
    fn append(&self, parts: [&[u8]; 3], expiry: u64, guard: &Guard) -> Result<Location, Shortage> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        let mut head = self.heads.lock();
        let open = self.slots.segment(head.number, guard);
        let offset = open.and_then(|segment| segment.append(&parts)).ok_or(Shortage::Head(bytes))?;
        head.latest_expiry = head.latest_expiry.max(expiry);
        Ok(Location::pack(0, head.number, offset))
    }

    pub(super) fn remove(&self, key: &[u8]) -> bool {
        self.remove_hashed(self.hash(key), key)
    }

    fn remove_hashed(&self, hash: u64, key: &[u8]) -> bool {
        let guard = crate::sync::epoch::pin();
        let writer = self.index.lock(hash);
        let Some(Found { place, at, bytes }) = self.find_locked(&writer, hash, key, &guard) else {
            return false;
        };
        writer.remove(place);
        self.slots.remove_live(at.segment(), bytes, &guard);
        drop((writer, guard));
        self.index.shrink(self);
        true
    }

    /// Looks a key up under the shard's lock, where every word is current.
    fn find_locked(&self, writer: &ShardWriter<'_>, hash: u64, key: &[u8], guard: &Guard) -> Option<Found> {
        let mut bytes = 0;
        let (place, at) = writer.find(hash, |at| {
            let entry: Option<Entry<'_>> = self.slots.entry(at, guard).filter(|entry| entry.is_of(key));
            bytes = entry.map_or(0, |entry| entry.bytes.len());
            entry.is_some()
        })?;
        Some(Found { place, at, bytes })
    }
}
