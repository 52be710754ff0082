//! Tables as a kind of layer: how `stroma-strata` opens, merges and verifies them.

use std::fmt;
use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::Blob;
use stroma_strata::{
    KindError, Layer, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, MergeJob, Version,
};

use super::hidden::{HideableTable, hidden_tables};
use super::inputs::Inputs;
use super::retention::Filtering;
use super::summary::{TableNotes, check_descriptor, layer_summary};
use super::{Retention, TableOutput, write_tables};
use crate::Error;
use crate::LevelCompression;
use crate::block_cache::BlockCache;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence, Timestamp};
use crate::rules::Resolver;
use crate::table::{LazyTable, Table, TableKeys, TableOptions, TableSink, TableSummary};
use crate::tombstones::RangeTombstones;
use crate::values::{TableLayer, ValueRules, ValueSeparator};

/// Tells which snapshots are in use, in any order.
///
/// A merge asks once, as it begins. Every snapshot that is in use then must be told, and every snapshot taken
/// afterwards must be at or after every sequence in the layers: so take and register a snapshot under the lock
/// that also guards this answer, and seal no entry before it can be seen.
pub(crate) type SnapshotsInUse = Arc<dyn Fn() -> Vec<Sequence> + Send + Sync>;

/// The name of the kind in the manifest.
pub(crate) const TABLE_KIND: &str = "stroma-lsm table";

/// The kind of layer that an engine's layered set is made of.
#[derive(Clone)]
pub(crate) struct TableKind {
    options: TableOptions,
    levels: LevelCompression,
    snapshots: SnapshotsInUse,
    /// Where tables keep blocks that cannot be read in place.
    cache: Option<BlockCache>,
    /// Knows what keyspaces do with entries, and where large values go.
    resolver: Arc<Resolver>,
    /// Which values these are, where keyspaces do not say otherwise.
    values: ValueRules,
    /// Whether a table is opened when it is first read.
    opens_late: bool,
}

impl fmt::Debug for TableKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TableKind").field("options", &self.options).finish_non_exhaustive()
    }
}

impl TableKind {
    /// Tables that are written with `options`, their values in value files as `values` says.
    pub(crate) fn new(
        options: TableOptions,
        snapshots: SnapshotsInUse,
        resolver: Arc<Resolver>,
        values: ValueRules,
    ) -> Self {
        let levels = LevelCompression::default();
        Self { options, levels, snapshots, cache: None, resolver, values, opens_late: false }
    }

    /// The same, compressed in other ways at certain levels.
    pub(crate) fn with_levels(self, levels: LevelCompression) -> Self {
        Self { levels, ..self }
    }

    /// How a table of `level` is written.
    fn options_at(&self, level: u32, is_bottom: bool) -> TableOptions {
        let compression = self.levels.at(level, is_bottom, self.options.compression);
        let keyspaces = self.resolver.rules().storing();
        TableOptions { compression, keyspaces, ..self.options.clone() }
    }

    /// How tables that are ingested are written: they go as far down as nothing is in their way, mostly to the bottom.
    pub(crate) fn ingestion_options(&self) -> TableOptions {
        self.options_at(u32::MAX, true)
    }

    /// Takes large values out of the entries of one run of work.
    pub(crate) fn separator(&self) -> ValueSeparator {
        ValueSeparator::new(self.resolver.values().clone(), self.value_rules())
    }

    /// Which values go to value files, and how they are compressed there.
    pub(crate) fn value_rules(&self) -> ValueRules {
        self.values.with_keyspaces(self.resolver.rules().storing())
    }

    /// The same, with a cache for the tables that are opened.
    pub(crate) fn with_cache(self, cache: Option<BlockCache>) -> Self {
        Self { cache, ..self }
    }

    /// Notes what readers have to know of a table.
    pub(crate) fn note(&self, notes: &TableNotes) {
        self.resolver.turns().note_stored(notes.turn);
        if notes.half_life > 0 || notes.expiring > 0 {
            self.resolver.note_expiring();
        }
    }

    /// The same, for tables that are only read: each is opened when something in it is looked for.
    pub(crate) fn opening_late(self) -> Self {
        Self { opens_late: true, ..self }
    }

    /// Seals a memtable: writes what survives of it as one table.
    pub(crate) fn seal<C: Cursor>(
        &self,
        source: C,
        tombstones: &Arc<RangeTombstones>,
        writer: &mut LayerWriter,
    ) -> Result<LayerSummary, KindError> {
        let retention = Retention::new((self.snapshots)(), false).with_rules(&self.resolver);
        let mut values = self.separator();
        let options = self.options_at(0, false);
        let summary = super::write_table(source, tombstones, &retention, &options, &mut values, writer)?;
        let notes = values.take_notes(summary.properties.entries);
        values.finish()?;
        Ok(layer_summary(&summary.properties, notes))
    }
}

impl LayerKind for TableKind {
    type Layer = TableLayer;

    fn name(&self) -> &'static str {
        TABLE_KIND
    }

    fn open(&self, blob: Arc<dyn Blob>, descriptor: &LayerDescriptor) -> Result<TableLayer, KindError> {
        let encryption = self.options.encryption.clone();
        if self.opens_late
            && let Some(notes) = TableNotes::decode(&descriptor.metadata)
            && notes.range_deletes == 0
        {
            self.note(&notes);
            let (smallest, largest) = (descriptor.smallest.clone(), descriptor.largest.clone());
            let (cache, descriptor) = (self.cache.clone(), descriptor.clone());
            let open =
                move || Ok(open_table(blob.clone(), &descriptor, cache.as_ref(), encryption.clone())?.0);
            let table = LazyTable::unopened(smallest, largest, Box::new(open));
            return Ok(TableLayer::open(table, &notes.value_uses, self.resolver.values())?);
        }
        let (table, notes) = open_table(blob, descriptor, self.cache.as_ref(), encryption)?;
        self.note(&notes);
        Ok(TableLayer::open(table.into(), &notes.value_uses, self.resolver.values())?)
    }

    fn merge(&self, job: &MergeJob<'_, Self>, output: &mut LayerOutput<'_>) -> Result<(), KindError> {
        let mut retention = Retention::new((self.snapshots)(), job.is_bottom()).with_rules(&self.resolver);
        if let (true, Some(first)) = (self.resolver.rules().any_filter(), job.inputs().first()) {
            let settled = self.resolver.settled();
            let turn = self.resolver.turns().begin(first.descriptor().id);
            retention = retention.filtering(Filtering { turn, level: job.target_level(), settled });
        }
        let mut tombstones = RangeTombstones::default();
        for input in job.inputs() {
            tombstones.extend(input.layer().tombstones());
        }
        let mut output = MergeOutput { job, output, values: self.separator() };
        let source = Inputs::new(job.inputs())?;
        let options = self.options_at(job.target_level(), job.is_bottom());
        write_tables(source, tombstones, job.range(), &retention, &options, &mut output)?;
        Ok(output.values.finish()?)
    }

    fn merge_ended(&self, inputs: &[Arc<Layer<Self>>]) {
        if let Some(first) = inputs.first() {
            self.resolver.turns().end(first.descriptor().id);
        }
    }

    fn merges_ranges(&self) -> bool {
        true
    }

    fn cuts(&self, layer: &TableLayer, pieces: usize) -> Vec<Vec<u8>> {
        // What is damaged the merge tells.
        layer.table().and_then(|table| table.cuts(pieces)).unwrap_or_default()
    }

    fn hidden(&self, version: &Version<Self>) -> Vec<u64> {
        let layers: Vec<HideableTable<'_>> = version
            .layers()
            .filter_map(|layer| HideableTable::of(layer.descriptor(), layer.layer()))
            .collect();
        // Whoever asks only when there is something to hide with spares the lock of the snapshots.
        if layers.iter().all(|layer| layer.tombstones.is_empty()) {
            return Vec::new();
        }
        let mut snapshots = (self.snapshots)();
        snapshots.sort_unstable();
        hidden_tables(&layers, &snapshots)
    }

    fn outdated(&self, version: &Version<Self>) -> Vec<u64> {
        let notes =
            |layer: &LayerDescriptor| Some((layer.id, TableNotes::decode(&layer.metadata)?.half_life));
        let dated: Vec<(u64, Timestamp)> = version
            .layers()
            .filter_map(|layer| notes(layer.descriptor()))
            .filter(|(_, half_life)| *half_life > 0)
            .collect();
        if dated.is_empty() {
            return Vec::new();
        }
        let now = self.resolver.oldest_moment().time;
        dated.into_iter().filter(|(_, half_life)| *half_life <= now).map(|(id, _)| id).collect()
    }

    fn verify(&self, layer: &TableLayer) -> Result<(), KindError> {
        Ok(layer.verify()?)
    }

    fn layer_named(&self, layer: &TableLayer) {
        layer.note_named();
    }

    fn layer_retired(&self, layer: &TableLayer) {
        layer.note_retired();
    }
}

/// Opens the table that the manifest describes.
fn open_table(
    blob: Arc<dyn Blob>,
    descriptor: &LayerDescriptor,
    cache: Option<&BlockCache>,
    encryption: Option<Encryption>,
) -> Result<(Table, TableNotes), Error> {
    let place = blob.describe();
    let ingested_at = TableNotes::decode(&descriptor.metadata).map_or(0, |notes| notes.ingested_at);
    let keys = TableKeys { encryption, number: descriptor.id };
    let table = Table::open_with(blob, keys, cache.map(BlockCache::for_table), ingested_at)?;
    let notes = check_descriptor(table.properties(), descriptor, &place)?;
    Ok((table, notes))
}

/// The output of a merge as the writer of tables wants it.
struct MergeOutput<'a, 'j, 'o> {
    job: &'a MergeJob<'j, TableKind>,
    output: &'a mut LayerOutput<'o>,
    values: ValueSeparator,
}

impl TableOutput for MergeOutput<'_, '_, '_> {
    type Sink = LayerWriter;

    fn start(&mut self) -> Result<LayerWriter, KindError> {
        Ok(self.output.start()?)
    }

    fn finish(&mut self, sink: LayerWriter, summary: TableSummary) -> Result<(), KindError> {
        debug_assert_eq!(sink.position(), summary.file_bytes, "the builder counts what it writes");
        let notes = self.values.take_notes(summary.properties.entries);
        sink.finish(layer_summary(&summary.properties, notes))?;
        Ok(())
    }

    fn place<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, KindError> {
        // What was moved for the entries before it.
        let written = self.values.take_written_bytes();
        if written > 0 {
            self.output.note_written_elsewhere(written)?;
        }
        Ok(self.values.place(entry)?)
    }

    fn table_bytes(&self) -> u64 {
        self.output.table_bytes()
    }

    fn note_read(&mut self, bytes: u64) {
        self.job.note_read(bytes);
    }
}

impl TableSink for LayerWriter {
    /// Errors of the set pass through as they are: so a merge that is told to stop is known to have stopped.
    type Error = KindError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), KindError> {
        Ok(LayerWriter::write_all(self, bytes)?)
    }

    fn number(&self) -> u64 {
        self.id()
    }
}
