//! What a transaction has written and nobody else sees.
//!
//! Every write has a sequence of its own, above all committed ones, so that the newest of a key counts, as it does in
//! the database. What savepoints may bring back is kept as an older version. Puts and deletes are in memory until
//! they take more than [`Options::transaction_bytes`](crate::Options::transaction_bytes); then they become a run of
//! scratch tables. Range deletes stay in memory.

use std::sync::Arc;

use super::points::{Points, PointsCursor, Version};
use super::runs::Runs;
use super::scratch::Scratch;
use crate::Error;
use crate::commit::Payload;
use crate::cursor::Cursor;
use crate::database::Core;
use crate::entry::{Kind, Sequence};
use crate::keyspace::KeyRange;
use crate::merging::{OWN_WRITES, Visibility};
use crate::table::TableOptions;
use crate::tombstones::RangeTombstones;
use crate::values::{Found, ValueFile, ValueReference};

/// Range deletes that may have been made over since the last look, before the set is tidied.
const LEAST_TIDYING: usize = 64;

/// A value file that own writes refer to, and the bytes it is for.
pub(crate) type Streamed = (Arc<ValueFile>, u64);

/// What a write says of its key.
#[derive(Debug)]
pub(super) enum Said {
    Deleted,
    Value(Vec<u8>),
    /// Where a streamed value lies.
    Stored(ValueReference, Arc<ValueFile>),
}

/// Own puts, deletes and range deletes. Cloning shares them; a change after that leaves the clone as it was, at the
/// price of a copy of what is in memory, once.
#[derive(Debug, Clone)]
pub(crate) struct OwnWrites {
    points: Arc<Points>,
    /// Older than what is in memory.
    runs: Runs,
    tombstones: Arc<RangeTombstones>,
    /// Kept for as long as somebody may read what lies in them.
    streamed: Arc<Vec<Streamed>>,
    /// The sequence of the last write, taken back or not.
    last: Sequence,
    /// Range deletes since the set was tidied.
    untidied: usize,
}

impl Default for OwnWrites {
    fn default() -> Self {
        OwnWrites {
            points: Arc::default(),
            runs: Runs::default(),
            tombstones: Arc::default(),
            streamed: Arc::default(),
            last: OWN_WRITES,
            untidied: 0,
        }
    }
}

impl OwnWrites {
    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.runs.is_empty() && self.tombstones.is_empty()
    }

    /// Whether all of it is in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        self.runs.is_empty()
    }

    /// Bytes of the values in memory.
    pub(super) fn value_bytes(&self) -> usize {
        self.points.iter().map(|(_, version)| version.value.len()).sum()
    }

    /// The sequence of the last write.
    pub(super) fn last(&self) -> Sequence {
        self.last
    }

    /// What puts and deletes take in memory, in bytes, about.
    pub(super) fn bytes_in_memory(&self) -> usize {
        self.points.bytes()
    }

    /// Sets or deletes `key`. What came before stays if it is not after `kept_through`.
    pub(super) fn write(&mut self, key: Vec<u8>, said: Said, kept_through: Sequence) {
        self.last += 1;
        let (kind, value) = match said {
            Said::Deleted => (Kind::Delete, Vec::new()),
            Said::Value(value) => (Kind::Put, value),
            Said::Stored(reference, file) => {
                Arc::make_mut(&mut self.streamed).push((file, reference.stored_bytes()));
                let mut encoded = Vec::new();
                reference.encode(&mut encoded);
                (Kind::Stored, encoded)
            }
        };
        let version = Version { sequence: self.last, kind, value };
        Arc::make_mut(&mut self.points).write(key, version, kept_through);
    }

    /// Deletes a range.
    pub(super) fn delete_range(&mut self, range: &KeyRange, kept_through: Sequence) {
        if range.is_empty() {
            return;
        }
        self.last += 1;
        if !self.points.is_empty() {
            Arc::make_mut(&mut self.points).forget_range(range, kept_through);
        }
        let tombstones = Arc::make_mut(&mut self.tombstones);
        tombstones.insert(&range.start, &range.end, self.last);
        self.untidied += 1;
        if self.untidied > tombstones.fragments().len() + LEAST_TIDYING {
            // Savepoints have sets of their own: of this one only the newest deletes count.
            tombstones.retain(|sequences| sequences.truncate(1));
            self.untidied = 0;
        }
    }

    /// Forgets what was written to `key`, in memory, after `sequence`.
    pub(super) fn take_back(&mut self, key: &[u8], sequence: Sequence) {
        Arc::make_mut(&mut self.points).take_back(key, sequence);
    }

    /// Forgets the runs, and the ends of runs, after `sequence`, and goes back to these range deletes.
    pub(super) fn go_back(&mut self, sequence: Sequence, tombstones: Arc<RangeTombstones>) {
        self.runs.take_back(sequence);
        self.tombstones = tombstones;
    }

    /// Moves puts and deletes from memory to a scratch file; `savepoints` are the sequences that may be gone back to.
    ///
    /// # Errors
    /// Failure of the storage; all is still readable then.
    pub(super) fn spill(
        &mut self,
        savepoints: &[Sequence],
        scratch: &Arc<Scratch>,
        options: &TableOptions,
    ) -> Result<(), Error> {
        if self.points.is_empty() {
            return Ok(());
        }
        self.runs.push(PointsCursor::new(self.points.clone()), savepoints, scratch, options)?;
        self.points = Arc::default();
        self.runs.merge(savepoints, scratch, options)
    }

    /// What the transaction's own writes say of `key`: nothing, that it is deleted, or its value.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Option<Found>>, Error> {
        let deleted = self.tombstones.newest(key, Visibility::with_own_writes(0));
        let found = match self.points.newest(key) {
            Some(version) => Some((version.sequence, Found::of(&version.entry(key)))),
            None => self.runs.newest(key, |entry| Found::of(&entry))?,
        };
        match found {
            Some((sequence, found)) if deleted.is_none_or(|deleted| deleted < sequence) => found.map(Some),
            _ => Ok(deleted.map(|_| None)),
        }
    }

    /// The writes as a batch that does the same. All of it is in memory.
    pub(super) fn to_payload(&self, core: &Core) -> Payload {
        let mut payload = Payload::default();
        for fragment in self.tombstones.fragments() {
            payload.delete_range(&fragment.start, &fragment.end);
        }
        let visibility = Visibility::with_own_writes(0);
        for (key, version) in self.points.iter() {
            // What a savepoint kept of a deleted range.
            if self.tombstones.newest(key, visibility).is_some_and(|deleted| deleted > version.sequence) {
                continue;
            }
            match version.kind {
                Kind::Put => {
                    payload.put(&[], key, &version.value, core.packing(key, version.value.len()));
                }
                Kind::Delete => payload.delete(&[], key),
                Kind::Stored => payload.put_reference(key, &version.value, &self.streamed),
                Kind::Marked => payload.note_mistake(Error::corrupt(
                    "a transaction",
                    0,
                    "a marked value among its own writes, which are plain",
                )),
            }
        }
        payload
    }

    /// The own range deletes.
    pub(crate) fn tombstones(&self) -> &Arc<RangeTombstones> {
        &self.tombstones
    }

    /// The value files that own writes refer to, or did.
    pub(crate) fn streamed(&self) -> &[Streamed] {
        &self.streamed
    }

    /// Cursors over own puts and deletes as they are now, newest first.
    pub(crate) fn cursors(&self) -> Vec<Box<dyn Cursor>> {
        let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
        if !self.points.is_empty() {
            cursors.push(Box::new(PointsCursor::new(self.points.clone())));
        }
        cursors.extend(self.runs.cursors().map(|cursor| -> Box<dyn Cursor> { Box::new(cursor) }));
        cursors
    }
}
