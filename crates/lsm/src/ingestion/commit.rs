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
use crate::keyspace::Keyspace;
use crate::log::{Operation, Record};

impl Core {
    /// Commits finished tables of keys from `range.0` up to, not including, `range.1`.
    pub(super) fn commit_ingestion(
        &self,
        range: (&[u8], &[u8]),
        keyspace: &Keyspace,
        tables: stroma_strata::Ingestion<TableKind>,
    ) -> Result<CommitToken, Error> {
        // Most of it while others go on writing.
        if self.memory_touches(range) {
            self.flush_all()?;
        }
        let mut writer = self.writer().lock();
        keyspace.check(keyspace.core())?;
        let mut memtable = self.make_room(&mut writer, 0, 1)?;
        if self.memory_touches(range) {
            self.flush_for(&mut writer)?;
            memtable = self.memtables().active.clone();
        }
        self.flush_recovered()?;
        let sequence = self.take_sequence(&mut writer, range.0)?;
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
                memtable.note_ingestion(sequence, range.0, range.1);
                self.dead_ranges().note_ingestion(sequence, range.0, range.1);
                self.counters().ingestions.add(1);
            }
            Err(_) => memtable.note_ingestion(sequence, range.0, range.0),
        }
        writer.last_sequence = sequence;
        self.publish(sequence);
        named?;
        Ok(CommitToken { epoch: self.epoch(), sequence })
    }

    /// Whether anything in memory has a key of `range`.
    fn memory_touches(&self, range: (&[u8], &[u8])) -> bool {
        let list = self.memtables();
        let resident = list.resident.as_ref().is_some_and(|resident| resident.touches(range.0, range.1));
        resident || list.newest_first().any(|memtable| memtable.touches(range.0, range.1))
    }

    /// Appends a record that changes nothing to the log and syncs that; answers the sequence it took.
    fn take_sequence(&self, writer: &mut Writer, key: &[u8]) -> Result<Sequence, Error> {
        let sequence = writer.last_sequence + 1;
        if sequence >= MAX_SEQUENCE / 2 {
            return Err(Error::OutOfMemory { what: "the range of sequence numbers" });
        }
        let mut payload = Vec::new();
        Operation::encode_delete_range(&mut payload, key, key);
        let mut record = Vec::new();
        writer
            .log
            .encode(&Record { first_sequence: sequence, operations: 1, payload: &payload }, &mut record)?;
        let logged = writer.log.append(&record, sequence).and_then(|()| writer.log.sync());
        logged.map_err(|error: StorageError| writer.give_up_log(self, error.into()))?;
        self.counters().syncs.add(1);
        self.counters().log_bytes.add(record.len() as u64);
        Ok(sequence)
    }
}
