//! The commit of a transaction that does not fit a batch: its net effect as tables, past the log and the memtable.
//!
//! It is an ingestion that has deletes and range deletes as well, and that is refused if something the transaction has
//! read was changed. All tables are written before others are kept out.

use std::collections::BTreeSet;

use stroma_strata::LayerWriter;

use super::commit::Finished;
use crate::Error;
use crate::commit::{CommitToken, Payload};
use crate::compaction::{Retention, TableKind, TableOutput, layer_summary, write_tables};
use crate::database::Core;
use crate::entry::{EntryRef, Kind, Marked, Timestamp, successor};
use crate::merging::MergingCursor;
use crate::table::{INGESTED_SEQUENCE, TableSummary};
use crate::tombstones::RangeTombstones;
use crate::transaction::{OwnWrites, Validation};
use crate::values::ValueSeparator;

/// The tables of a transaction, as the writer of tables wants them.
struct NetOutput<'a> {
    tables: &'a stroma_strata::Ingestion<TableKind>,
    values: ValueSeparator,
    table_bytes: u64,
    /// The first key, and the last.
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    /// Of keys and values.
    user_bytes: u64,
    core: &'a Core,
    /// A value with a mark, if it expires or was made smaller.
    marked: Vec<u8>,
}

impl NetOutput<'_> {
    /// When an entry expires by the rule of its keyspace.
    fn expiry_of(&self, entry: &EntryRef<'_>) -> Option<Timestamp> {
        let rules = self.core.resolver().rules();
        if !rules.any_lives() || !matches!(entry.kind, Kind::Put | Kind::Stored) {
            return None;
        }
        rules.of(entry.user_key)?.expiry(self.core.time())
    }
}

impl TableOutput for NetOutput<'_> {
    type Sink = LayerWriter;

    fn start(&mut self) -> Result<LayerWriter, stroma_strata::KindError> {
        Ok(self.tables.start()?)
    }

    fn finish(&mut self, sink: LayerWriter, summary: TableSummary) -> Result<(), stroma_strata::KindError> {
        let properties = &summary.properties;
        let first = self.bounds.take().map_or_else(|| properties.smallest_key.clone(), |bounds| bounds.0);
        self.bounds = Some((first, properties.largest_key.clone()));
        sink.finish(layer_summary(properties, self.values.take_notes(properties.entries)))?;
        Ok(())
    }

    fn place<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, stroma_strata::KindError> {
        self.user_bytes += (entry.user_key.len() + entry.value.len()) as u64;
        let entry = EntryRef { sequence: INGESTED_SEQUENCE, ..entry };
        let expiry = self.expiry_of(&entry);
        if let Some(at) = expiry {
            let is_stored = entry.kind == Kind::Stored;
            Marked::Expiring { at, is_stored, content: entry.value }.encode(&mut self.marked);
        } else if entry.kind != Kind::Put
            || !self.core.pack_short(entry.user_key, entry.value, &mut self.marked)
        {
            return Ok(self.values.place(entry)?);
        }
        Ok(self.values.place(EntryRef { kind: Kind::Marked, value: &self.marked, ..entry })?)
    }

    fn place_deletes(&self, mut tombstones: RangeTombstones) -> RangeTombstones {
        tombstones.retain(|sequences| *sequences = vec![INGESTED_SEQUENCE]);
        tombstones
    }

    fn table_bytes(&self) -> u64 {
        self.table_bytes
    }
}

impl Core {
    /// Commits `own`, which puts something into these keyspaces, as tables, if `validation` allows it. It is on the
    /// device when this returns. On an error nothing was committed, unless it is [`Error::Poisoned`].
    pub(crate) fn commit_as_tables(
        &self,
        own: &OwnWrites,
        validation: &Validation,
        keyspaces: &BTreeSet<u32>,
    ) -> Result<CommitToken, Error> {
        self.check_open()?;
        let files = own.streamed();
        self.values().keep_streamed(files);
        let outcome = self.commit_net(own, || {
            self.catalog().check_numbers(keyspaces.iter().copied())?;
            validation.check(self, std::iter::empty())
        });
        match &outcome {
            Ok(token) => self.values().note_committed(files, token.sequence),
            Err(Error::Poisoned { .. }) => {}
            Err(_) => self.values().release_refused(files),
        }
        outcome
    }

    fn commit_net(
        &self,
        own: &OwnWrites,
        check: impl FnOnce() -> Result<(), Error>,
    ) -> Result<CommitToken, Error> {
        let tables = self.layers.ingestion();
        let mut output = NetOutput {
            tables: &tables,
            values: self.layers.separator(),
            table_bytes: self.layers.table_bytes(),
            bounds: None,
            user_bytes: 0,
            core: self,
            marked: Vec::new(),
        };
        let source = MergingCursor::new(own.cursors());
        let tombstones = RangeTombstones::clone(own.tombstones());
        let options = self.layers.ingestion_options();
        // Nobody has seen what was overwritten.
        let retention = Retention::new(Vec::new(), false);
        write_tables(source, tombstones, (None, None), &retention, &options, &mut output)?;
        let NetOutput { mut values, bounds, user_bytes, .. } = output;
        // On the device before a table that refers to them is opened.
        values.seal()?;
        let Some((first, last)) = bounds else {
            return self.commit(Payload::default(), self.options().durability, None);
        };
        let after = successor(&last);
        let finished = Finished { range: (&first, &after), tables, sequences: 2, is_sparse: true };
        let token = self.commit_finished(finished, check)?;
        self.counters().commits.add(1);
        self.counters().user_bytes.add(user_bytes);
        Ok(token)
    }
}
