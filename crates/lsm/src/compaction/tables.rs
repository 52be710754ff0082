//! Writing the survivors of a source as tables, split at user keys.
//!
//! Where a range tombstone reaches over the place between two tables it is cut there: at the successor of the
//! last key of the first (that key and a zero byte). So the first table covers all keys up to and with its
//! last, the second all after it; they do not overlap, and no key in between is left uncovered.

use std::sync::Arc;

use stroma_strata::KeyRange;

use super::forward::Forward;
use super::{Retention, Survivors};
use crate::entry::EntryRef;
use crate::entry::successor;
use crate::table::{TableBuilder, TableOptions, TableSink, TableSummary};
use crate::tombstones::RangeTombstones;
use crate::values::ValueSeparator;

/// After so many bytes read, whoever watches is told.
const BYTES_BETWEEN_NOTES: u64 = 256 << 10;

/// Where tables go.
pub(crate) trait TableOutput {
    /// Takes the bytes of one table.
    type Sink: TableSink;

    /// Starts a table.
    fn start(&mut self) -> Result<Self::Sink, <Self::Sink as TableSink>::Error>;

    /// Ends a table.
    fn finish(
        &mut self,
        sink: Self::Sink,
        summary: TableSummary,
    ) -> Result<(), <Self::Sink as TableSink>::Error>;

    /// The entry as it is to stand in the table, its value perhaps taken elsewhere.
    fn place<'a>(
        &'a mut self,
        entry: EntryRef<'a>,
    ) -> Result<EntryRef<'a>, <Self::Sink as TableSink>::Error> {
        Ok(entry)
    }

    /// The range tombstones as they are to stand in the table.
    fn place_deletes(&self, tombstones: RangeTombstones) -> RangeTombstones {
        tombstones
    }

    /// A table ends with the user key that makes it at least this long, in bytes.
    fn table_bytes(&self) -> u64;

    /// Tells that so many bytes more of keys and values were read.
    fn note_read(&mut self, bytes: u64) {
        let _ = bytes;
    }
}

/// Writes all that survives of `source` and its range tombstones into one table, as when a memtable is sealed.
/// The caller seals the sink.
pub(crate) fn write_table<C: Forward, S: TableSink + ?Sized>(
    source: C,
    tombstones: &Arc<RangeTombstones>,
    retention: &Retention,
    options: &TableOptions,
    values: &mut ValueSeparator,
    sink: &mut S,
) -> Result<TableSummary, S::Error> {
    let mut survivors = Survivors::new(source, Arc::clone(tombstones), retention.clone());
    let mut builder = TableBuilder::new(sink, options.clone())?;
    let mut on = survivors.first()?;
    while on {
        builder.add(&values.place(survivors.entry())?)?;
        on = survivors.next()?;
    }
    let mut kept = RangeTombstones::clone(tombstones);
    retention.retain(&mut kept);
    builder.finish(&kept)
}

/// Writes all that survives of `source` and its range tombstones in `range` into as many tables as `output` wants:
/// none if nothing survives.
pub(crate) fn write_tables<C: Forward, O: TableOutput>(
    source: C,
    tombstones: RangeTombstones,
    range: KeyRange<'_>,
    retention: &Retention,
    options: &TableOptions,
    output: &mut O,
) -> Result<(), <O::Sink as TableSink>::Error> {
    let mut kept = tombstones.clipped(range.0, range.1);
    retention.retain(&mut kept);
    let mut survivors = Survivors::new(source, Arc::new(tombstones), retention.clone()).within(range);
    let mut on = survivors.first()?;
    // Where the tables written so far end.
    let mut boundary: Option<Vec<u8>> = None;
    loop {
        let rest = kept.clipped(boundary.as_deref(), None);
        if !on && rest.is_empty() {
            output.note_read(survivors.take_read_bytes());
            return Ok(());
        }
        let mut sink = output.start()?;
        let mut builder = TableBuilder::new(&mut sink, options.clone())?;
        on = fill(&mut builder, &mut survivors, on, output)?;
        let end = on.then(|| builder.last_key().map(successor)).flatten();
        let summary = builder.finish(&output.place_deletes(rest.clipped(None, end.as_deref())))?;
        output.finish(sink, summary)?;
        if end.is_none() {
            output.note_read(survivors.take_read_bytes());
            return Ok(());
        }
        boundary = end;
    }
}

/// Adds survivors until the table is long enough and a user key ends, or all are written. Answers whether
/// there are more.
fn fill<C: Forward, O: TableOutput>(
    builder: &mut TableBuilder<&mut O::Sink>,
    survivors: &mut Survivors<C>,
    mut on: bool,
    output: &mut O,
) -> Result<bool, <O::Sink as TableSink>::Error> {
    let table_bytes = output.table_bytes();
    let mut unnoted = 0;
    while on {
        let entry = survivors.entry();
        let full = builder.is_full(table_bytes);
        if full && builder.last_key().is_some_and(|last| last != entry.user_key) {
            break;
        }
        builder.add(&output.place(entry)?)?;
        on = survivors.next()?;
        unnoted += survivors.take_read_bytes();
        if unnoted >= BYTES_BETWEEN_NOTES {
            output.note_read(std::mem::take(&mut unnoted));
        }
    }
    output.note_read(unnoted);
    Ok(on)
}
