//! Giving an ingestion its place among the commits.
//!
//! It is newer than every commit before it, and readers look into memory first. So what memory holds of its keys goes
//! to tables before it. It takes a sequence of its own by a record in the log that changes nothing, and the log is
//! synced before the tables are named: whatever survives with them is then a prefix of what was committed. Nobody sees
//! the tables before that sequence is published.

use stroma_strata::storage::StorageError;

use crate::Error;
use crate::commit::{CommitToken, Writer};
use crate::compaction::{TableKind, TableNotes};
use crate::database::Core;
use crate::entry::{MAX_SEQUENCE, Sequence};
use crate::log::{Operation, Record, Records};

/// Tables that are on the device and are to be one commit.
pub(super) struct Finished<'a> {
    /// Their keys: from the first up to, not including, the second.
    pub(super) range: (&'a [u8], &'a [u8]),
    pub(super) tables: stroma_strata::Ingestion<TableKind>,
    /// How many sequences it takes: entries have the last one, range deletes the one before that.
    pub(super) sequences: u32,
    /// Whether much of the range may be left as it was: who has read there is then checked key by key.
    pub(super) is_sparse: bool,
}

impl Core {
    /// Commits finished tables, if `check` allows it once everything before them is committed. If the error is
    /// [`Error::Poisoned`] nobody knows whether they are there.
    pub(super) fn commit_finished(
        &self,
        finished: Finished<'_>,
        check: impl FnOnce() -> Result<(), Error>,
    ) -> Result<CommitToken, Error> {
        // Most of it while others go on writing.
        if self.memory_touches(finished.range) {
            self.flush_all()?;
        }
        let mut writer = self.writer().lock();
        self.poisoning_on_panic(|| {
            check()?;
            self.commit_alone(&mut writer, finished)
        })
    }

    /// The same by who keeps others out.
    fn commit_alone(&self, writer: &mut Writer, finished: Finished<'_>) -> Result<CommitToken, Error> {
        let Finished { range, tables, sequences, is_sparse } = finished;
        let mut memtable = self.make_room(writer, 0, sequences)?;
        if self.memory_touches(range) {
            self.flush_for(writer)?;
            memtable = self.memtables().active.clone();
        }
        self.flush_recovered()?;
        let sequence = self.take_sequences(writer, range.0, sequences)?;
        let named = {
            // No flush has a recency from before and is yet to be named.
            let _turn = self.flush.turn();
            tables.commit(|layer| {
                // Written by this process a moment ago.
                if let Some(notes) = TableNotes::decode(&layer.metadata) {
                    layer.metadata = notes.ingested_at(sequence).encode();
                }
            })
        };
        // The sequence is in the log, and so is gone, whatever came of the tables.
        match &named {
            Ok(_) => {
                let noted = if is_sparse { range.0 } else { range.1 };
                memtable.note_ingestion(sequence, range.0, noted);
                if is_sparse {
                    self.flush.note_absorbed(sequence);
                }
                self.dead_ranges().note_ingestion(sequence, range.0, range.1);
                self.counters().ingestions.add(u64::from(!is_sparse));
            }
            Err(_) => memtable.note_ingestion(sequence, range.0, range.0),
        }
        writer.last_sequence = sequence;
        self.publish(sequence);
        named.map_err(|error| self.poison_if_unknown(error.into()))?;
        Ok(CommitToken { epoch: self.epoch(), sequence })
    }

    /// The error of an edit. Where others may follow it left everything as it was, and its tables are gone; else nobody
    /// knows whether it is there.
    fn poison_if_unknown(&self, error: Error) -> Error {
        match self.layers.check() {
            Ok(()) | Err(Error::Closed) => error,
            Err(_) => self.poison(error),
        }
    }

    /// Whether anything in memory has a key of `range`.
    fn memory_touches(&self, range: (&[u8], &[u8])) -> bool {
        let list = self.memtables();
        let resident = list.resident.as_ref().is_some_and(|resident| resident.touches(range.0, range.1));
        resident || list.newest_first().any(|memtable| memtable.touches(range.0, range.1))
    }

    /// Appends a record that changes nothing to the log and syncs that; answers the last of the sequences it took.
    fn take_sequences(&self, writer: &mut Writer, key: &[u8], operations: u32) -> Result<Sequence, Error> {
        let first_sequence = writer.last_sequence + 1;
        let sequence = writer.last_sequence + u64::from(operations);
        if sequence >= MAX_SEQUENCE / 2 {
            return Err(Error::OutOfMemory { what: "the range of sequence numbers" });
        }
        let mut payload = Vec::new();
        (0..operations).for_each(|_| Operation::encode_delete_range(&mut payload, key, key));
        let mut record = Records::default();
        writer.log.encode(&Record { first_sequence, operations, payload: &payload }, &mut record)?;
        let logged = writer.log.append(&record, sequence).and_then(|()| writer.log.sync());
        logged.map_err(|error: StorageError| writer.give_up_log(self, error.into()))?;
        self.counters().syncs.add(1);
        self.counters().log_bytes.add(record.len() as u64);
        Ok(sequence)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use stroma_strata::storage::MemoryStorage;

    use super::*;
    use crate::Database;
    use crate::options::Options;

    #[test]
    fn a_panic_while_others_are_kept_out_poisons() {
        let options = Options { memory_bytes: 128 << 10, background_threads: 0, ..Options::default() };
        let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        let core = keyspace.core();
        keyspace.put("before", "x").unwrap();
        let tables = core.layers.ingestion();
        let finished = Finished { range: (b"a", b"b"), tables, sequences: 1, is_sparse: false };
        let panics = || core.commit_finished(finished, || panic!("a panic")).map(drop);
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        // The lock is free again, and nobody commits behind what may be in the log.
        assert!(matches!(keyspace.put("later", "x"), Err(Error::Poisoned { .. })));
        assert!(keyspace.get("before").unwrap().is_some());
    }
}
