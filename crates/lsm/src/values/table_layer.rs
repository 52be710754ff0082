//! A table with the value files it refers to: what a layer of the set is.

use std::sync::Arc;

use super::file::ValueFile;
use super::reference::ValueReference;
use super::short::ShortValue;
use super::store::ValueStore;
use super::uses::ValueUse;
use crate::Error;
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::entry::{Kind, Marked};
use crate::keyspace::KeyRange;
use crate::read::RangeEstimate;
use crate::table::{LazyTable, Table};
use crate::tombstones::RangeTombstones;

/// A table that keeps its value files.
#[derive(Debug)]
pub(crate) struct TableLayer {
    table: LazyTable,
    files: Vec<(Arc<ValueFile>, u64)>,
}

/// Adds what a marked value refers to, and finds out whether it can be read.
fn add_marked(value: &[u8], uses: &mut super::separator::Uses) -> Result<(), Error> {
    match Marked::decode(value)? {
        Marked::Expiring { is_stored: true, content, .. } => uses.add(ValueReference::decode(content)?),
        Marked::Expiring { .. } | Marked::Operand { .. } => {}
        // A checksum tells nothing of bytes that were wrong before they got it.
        Marked::Short { stored } => ShortValue::new(stored)?.with(|_| ())?,
        // In value files since they were flushed.
        Marked::Packed { .. } | Marked::Incompressible { .. } => {
            return Err(Error::corrupt("an entry", 0, "a value in a table that belongs in a value file"));
        }
        Marked::Filtered(filtered) => {
            for (kind, value) in filtered.after.into_iter().chain([filtered.before]) {
                match kind {
                    Kind::Stored => uses.add(ValueReference::decode(value)?),
                    // Never one in another.
                    Kind::Marked => add_marked(value, uses)?,
                    Kind::Put | Kind::Delete => {}
                }
            }
        }
    }
    Ok(())
}

impl TableLayer {
    /// `table`, which refers to `uses`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a file is missing or damaged.
    pub(crate) fn open(table: LazyTable, uses: &[ValueUse], store: &ValueStore) -> Result<Self, Error> {
        let files = uses.iter().map(|each| Ok((store.open(each.file)?, each.bytes)));
        Ok(TableLayer { table, files: files.collect::<Result<_, Error>>()? })
    }

    /// The table, opened now if it was not.
    ///
    /// # Errors
    /// Failure of the storage; damage.
    #[inline]
    pub(crate) fn table(&self) -> Result<&Table, Error> {
        self.table.get()
    }

    /// The table alone, to walk over: a walk finds values through the [`ValueStore`].
    pub(crate) fn handle(&self) -> &LazyTable {
        &self.table
    }

    /// The names of the keys of the table and of the value files that it refers to; `None` for what is not encrypted.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = Option<&str>> {
        let of_table = self.table.get().ok().and_then(|table| table.key_id());
        std::iter::once(of_table).chain(self.files.iter().map(|(file, _)| file.key_id()))
    }

    /// Its range tombstones.
    pub(crate) fn tombstones(&self) -> &Arc<RangeTombstones> {
        self.table.tombstones()
    }

    /// Adds about what lies in `range`, values in value files included.
    ///
    /// # Errors
    /// Failure of the storage; damage.
    pub(crate) fn add_estimate(&self, range: &KeyRange, into: &mut RangeEstimate) -> Result<(), Error> {
        if let Some(share) = self.table()?.estimate(range, into)? {
            let value_bytes: u64 = self.files.iter().map(|(_, bytes)| bytes).sum();
            into.bytes += (value_bytes as f64 * share) as u64;
        }
        Ok(())
    }

    /// The manifest names it from now on.
    pub(crate) fn note_named(&self) {
        self.files.iter().for_each(|(file, bytes)| file.add_referrer(*bytes));
    }

    /// No later version has it.
    pub(crate) fn note_retired(&self) {
        self.files.iter().for_each(|(file, bytes)| file.remove_referrer(*bytes));
    }

    /// Verifies the table, and that it refers to what the manifest says.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let table = self.table()?;
        table.verify()?;
        let mut uses = super::separator::Uses::default();
        let mut cursor = table.cursor(Caching::Bypass);
        let mut on = cursor.seek_first()?;
        while on {
            let entry = cursor.entry();
            match entry.kind {
                Kind::Stored => uses.add(ValueReference::decode(entry.value)?),
                Kind::Marked => add_marked(entry.value, &mut uses)?,
                Kind::Put | Kind::Delete => {}
            }
            on = cursor.next()?;
        }
        let told: Vec<ValueUse> =
            self.files.iter().map(|(file, bytes)| ValueUse { file: file.number(), bytes: *bytes }).collect();
        if uses.take() == told {
            return Ok(());
        }
        let what = "it refers to other values than the manifest says";
        Err(Error::corrupt(table.place(), 0, what))
    }
}
