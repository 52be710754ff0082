//! The writer that callers give sorted entries to.

use std::fmt;

use stroma_strata::LayerWriter;

use super::commit::Finished;
use crate::Error;
use crate::commit::{CommitToken, Payload};
use crate::compaction::{TableKind, layer_summary};
use crate::entry::{EntryRef, Kind, Marked, check_key, check_value, successor};
use crate::keyspace::{Keyspace, PREFIX_BYTES};
use crate::table::{INGESTED_SEQUENCE, TableBuilder};
use crate::tombstones::RangeTombstones;
use crate::values::ValueSeparator;

/// Takes entries of one keyspace in ascending order of their keys and makes tables of them: nothing goes through the
/// log and the memtable, and nothing is merged that need not be. Much faster than puts for millions of entries; for a
/// few it costs more, since it writes a table and syncs it.
///
/// Nobody sees anything of it before [`finish`](Ingestion::finish), and then all of it at once, as one commit that is
/// newer than every one before. It survives a loss of power when that returns, with everything committed before.
/// Dropped before, it leaves nothing. It takes memory beside the budget: some ten bytes for each entry of the table
/// being written, and a block; tables end at the size that
/// [`Options::merge_policy`](crate::Options::merge_policy) says.
///
/// ```
/// # let folder = tempfile::tempdir().expect("a temporary directory");
/// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
/// let squares = database.keyspace("squares")?;
/// let mut ingestion = squares.ingest()?;
/// for number in 0..10_000_u64 {
///     ingestion.add(number.to_be_bytes(), (number * number).to_string())?;
/// }
/// assert!(squares.first()?.is_none());
/// ingestion.finish()?;
/// assert_eq!(squares.get(12_u64.to_be_bytes())?.as_deref(), Some(&b"144"[..]));
/// # Ok::<(), stroma_lsm::Error>(())
/// ```
#[must_use = "an ingestion changes nothing before it is finished"]
pub struct Ingestion {
    keyspace: Keyspace,
    layers: stroma_strata::Ingestion<TableKind>,
    values: ValueSeparator,
    table: Option<TableBuilder<LayerWriter>>,
    /// The first stored key, and the last.
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    /// The stored key that is being added.
    key: Vec<u8>,
    /// Its value with a mark, if it expires or was made smaller.
    marked: Vec<u8>,
    len: u64,
    /// What went wrong: nothing more is taken.
    failed: Option<Error>,
}

impl fmt::Debug for Ingestion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyspace = self.keyspace.name();
        formatter.debug_struct("Ingestion").field("keyspace", &keyspace).field("len", &self.len).finish()
    }
}

impl Ingestion {
    /// Begins an ingestion into `keyspace`.
    ///
    /// # Errors
    /// [`Error::KeyspaceDropped`], [`Error::Closed`], [`Error::Poisoned`].
    pub(crate) fn new(keyspace: Keyspace) -> Result<Self, Error> {
        keyspace.check(keyspace.core())?;
        keyspace.core().check_open()?;
        let layers = &keyspace.core().layers;
        let (layers, values) = (layers.ingestion(), layers.separator());
        Ok(Ingestion {
            keyspace,
            layers,
            values,
            table: None,
            bounds: None,
            key: Vec::new(),
            marked: Vec::new(),
            len: 0,
            failed: None,
        })
    }

    /// Sets `key`, which comes after all keys before it, to `value`.
    ///
    /// # Errors
    /// [`Error::Unsorted`] and [`Error::TooLarge`]: the entry is left out, and others may follow. Failure of the
    /// storage: nothing more is taken.
    pub fn add(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let (key, value) = (key.as_ref(), value.as_ref());
        self.key.clear();
        self.key.extend_from_slice(&self.keyspace.key_prefix());
        self.key.extend_from_slice(key);
        check_key(self.key.len())?;
        check_value(value.len())?;
        if let Some((_, last)) = &self.bounds
            && *last >= self.key
        {
            return Err(Error::Unsorted { key: shown(&self.key), before: shown(last) });
        }
        if let Err(error) = self.write(value) {
            self.failed = Some(error.clone());
            return Err(error);
        }
        match &mut self.bounds {
            Some((_, last)) => last.clone_from(&self.key),
            none => *none = Some((self.key.clone(), self.key.clone())),
        }
        self.len += 1;
        Ok(())
    }

    fn write(&mut self, value: &[u8]) -> Result<(), Error> {
        let table_bytes = self.keyspace.core().layers.table_bytes();
        if self.table.as_ref().is_some_and(|table| table.is_full(table_bytes)) {
            self.end_table()?;
        }
        let table = match &mut self.table {
            Some(table) => table,
            none => {
                let options = self.keyspace.core().layers.ingestion_options();
                none.insert(TableBuilder::new(self.layers.start()?, options)?)
            }
        };
        let core = self.keyspace.core();
        let rule =
            core.resolver().rules().any_lives().then(|| core.resolver().rules().of(&self.key)).flatten();
        let (kind, value) = match rule.and_then(|rule| rule.expiry(core.time())) {
            None if core.pack_short(&self.key, value, &mut self.marked) => {
                (Kind::Marked, self.marked.as_slice())
            }
            None => (Kind::Put, value),
            Some(at) => {
                Marked::Expiring { at, is_stored: false, content: value }.encode(&mut self.marked);
                (Kind::Marked, self.marked.as_slice())
            }
        };
        let entry = EntryRef { user_key: &self.key, sequence: INGESTED_SEQUENCE, kind, value };
        Ok(table.add(&self.values.place(entry)?)?)
    }

    fn end_table(&mut self) -> Result<(), Error> {
        if let Some(table) = self.table.take() {
            let (summary, writer) = table.finish_into_sink(&RangeTombstones::default())?;
            let notes = self.values.take_notes(summary.properties.entries);
            writer.finish(layer_summary(&summary.properties, notes))?;
        }
        Ok(())
    }

    /// How many entries were added.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes all that was added visible, at once, and durable. What is in memory for keys between the first and the
    /// last one added is flushed first; writers wait for as much of that as they wrote meanwhile. A transaction that
    /// has read anything in that range conflicts.
    ///
    /// # Errors
    /// What an [`add`](Ingestion::add) before failed with; [`Error::KeyspaceDropped`]; failure of the storage. Nothing
    /// of it is visible then.
    pub fn finish(mut self) -> Result<CommitToken, Error> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let outcome = self.end_table();
        let Ingestion { keyspace, layers, mut values, bounds, .. } = self;
        outcome?;
        let core = keyspace.core();
        let Some((first, last)) = bounds else {
            return core.commit(Payload::default(), core.options().durability, None);
        };
        // On the device before a table that refers to them is opened.
        values.seal()?;
        let after = successor(&last);
        let finished = Finished { range: (&first, &after), tables: layers, sequences: 1, is_sparse: false };
        core.commit_finished(finished, || keyspace.check(core))
    }
}

/// A stored key for people.
fn shown(key: &[u8]) -> String {
    key.get(PREFIX_BYTES..).unwrap_or_default().escape_ascii().to_string()
}
