//! The tables of the database, as the layered set of `stroma-strata` keeps them.

use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::picker::Limits;
use stroma_strata::storage::LogStorage;
use stroma_strata::{
    BorrowedVersion, Ingestion, Layer, LayeredSet, MergePolicy, OpenReport, PaidByReads, ReadCosts, Run,
    SetImage, SetOptions, SetStatistics,
};

use crate::Error;
use crate::block_cache::{BlockCache, Caching};
use crate::compaction::{TableKind, TableNotes};
use crate::cursor::Cursor;
use crate::encryption::has_current_key;
use crate::entry::{MAX_SEQUENCE, Sequence};
use crate::flush::FlushRecord;
use crate::keyspace::KeyRange;
use crate::merging::Visibility;
use crate::options::Options;
use crate::read::PROBE;
use crate::rules::{KeyspaceStoring, Resolver};
use crate::snapshot::SnapshotRegistry;
use crate::table::{LazyTable, LevelCursor, Lookup, TableDescription, TableOptions, expectation};
use crate::tombstones::RangeTombstones;
use crate::values::{Found, ValueRules, ValueSeparator};

/// The layered set of tables.
#[derive(Debug)]
pub(crate) struct Layers {
    set: LayeredSet<TableKind>,
    /// How long a table that is ingested is to become, in bytes.
    table_bytes: u64,
}

/// What a check of one table found.
pub(crate) struct Verified {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) error: Option<String>,
}

impl Layers {
    /// Opens the tables in `storage`, whose lock it takes first.
    pub(crate) fn open(
        storage: Arc<dyn LogStorage>,
        options: &Options,
        snapshots: &Arc<SnapshotRegistry>,
        cache: Option<BlockCache>,
        resolver: &Arc<Resolver>,
    ) -> Result<(Layers, OpenReport), Error> {
        let snapshots = snapshots.clone();
        let in_use = Arc::new(move || snapshots.live());
        let kind = TableKind::new(table_options(options), in_use, resolver.clone(), ValueRules::new(options))
            .with_levels(options.level_compression.clone());
        let (set, report) = LayeredSet::open(storage, kind.with_cache(cache), set_options(options))?;
        resolver.values().start_epoch(report.epoch)?;
        Ok((Layers { set, table_bytes: table_bytes(options) }, report))
    }

    /// Opens the tables in `storage` to read them; those that `before` has open are not opened again.
    pub(crate) fn open_read_only(
        storage: Arc<dyn LogStorage>,
        options: &Options,
        cache: Option<BlockCache>,
        resolver: &Arc<Resolver>,
        before: Option<&LayerView>,
    ) -> Result<(Layers, OpenReport), Error> {
        // Asked by merges, and there are none.
        let in_use = Arc::new(Vec::new);
        let kind = TableKind::new(table_options(options), in_use, resolver.clone(), ValueRules::new(options));
        let before = before.map(|view| &*view.version);
        let kind = kind.with_cache(cache).opening_late();
        let (set, report) = LayeredSet::open_read_only(storage, kind, set_options(options), before)?;
        // Of those that were open before nobody has told this resolver.
        for layer in set.current().layers() {
            if let Some(notes) = TableNotes::decode(&layer.descriptor().metadata) {
                set.kind().note(&notes);
            }
        }
        Ok((Layers { set, table_bytes: table_bytes(options) }, report))
    }

    /// The number of the last edit of the manifest.
    pub(crate) fn number(&self) -> u64 {
        self.set.current().number()
    }

    /// How far the log has reached the tables.
    pub(crate) fn flush_record(&self) -> Result<FlushRecord, Error> {
        FlushRecord::decode(self.set.current().record(FlushRecord::NAME))
            .ok_or_else(|| Error::corrupt("the manifest", 0, "the record of the log is malformed"))
    }

    /// Writes what survives of `source` and its range tombstones as the newest table and `record` with it, at once.
    pub(crate) fn write<C: Cursor>(
        &self,
        mut source: C,
        tombstones: &Arc<RangeTombstones>,
        record: FlushRecord,
    ) -> Result<(), Error> {
        // Only an ingestion came by, which took a sequence and went past memory.
        if tombstones.is_empty() && !source.seek_first()? {
            return self.put_record(record);
        }
        let mut edit = self.set.edit();
        let recency = self.set.next_recency();
        edit.write_layer(0, recency, |writer| self.set.kind().seal(source, tombstones, writer))?;
        edit.put_record(FlushRecord::NAME, record.encode());
        edit.commit()?;
        Ok(())
    }

    /// Starts tables of entries that go past log and memory.
    pub(crate) fn ingestion(&self) -> Ingestion<TableKind> {
        self.set.ingestion()
    }

    /// Whether an edit that failed certainly changed nothing, and others may follow.
    pub(crate) fn check(&self) -> Result<(), Error> {
        Ok(self.set.check()?)
    }

    /// How tables that are ingested are written.
    pub(crate) fn ingestion_options(&self) -> TableOptions {
        self.set.kind().ingestion_options()
    }

    /// How long a table that is ingested is to become, in bytes.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.table_bytes
    }

    /// Takes large values out of entries that go into tables.
    pub(crate) fn separator(&self) -> ValueSeparator {
        self.set.kind().separator()
    }

    /// Which values go to value files, and how they are compressed there.
    pub(crate) fn value_rules(&self) -> ValueRules {
        self.set.kind().value_rules()
    }

    /// Writes `record` alone.
    pub(crate) fn put_record(&self, record: FlushRecord) -> Result<(), Error> {
        let mut edit = self.set.edit();
        edit.put_record(FlushRecord::NAME, record.encode());
        edit.commit()?;
        Ok(())
    }

    /// The tables as they are now.
    pub(crate) fn view(&self) -> LayerView {
        LayerView { version: self.set.current().into() }
    }

    /// The same for a moment, without a count of references that all readers would share.
    #[inline]
    pub(crate) fn brief_view(&self) -> LayerView {
        LayerView { version: self.set.borrow_current() }
    }

    /// The tables of a view as data.
    pub(crate) fn image(&self, view: &LayerView) -> SetImage {
        self.set.image(&view.version)
    }

    /// Starts the threads that merge.
    pub(crate) fn start_background(&self, options: &Options) -> Result<(), Error> {
        Ok(self.set.start_background(&*options.spawner, options.background_threads)?)
    }

    /// Merges, in the calling thread, until nothing is due.
    pub(crate) fn merge_until_idle(&self) -> Result<(), Error> {
        self.set.merge_until_idle()?;
        Ok(())
    }

    /// Merges everything into one sorted run.
    pub(crate) fn merge_all(&self) -> Result<(), Error> {
        self.set.merge_all()?;
        Ok(())
    }

    /// Merges what holds keys of `range` into one sorted run.
    pub(crate) fn merge_range(&self, range: &KeyRange) -> Result<(), Error> {
        self.set.merge_range(&range.start, &range.end)?;
        Ok(())
    }

    /// Rewrites the tables that are not encrypted with the present key, or refer to value files that are not.
    pub(crate) fn rewrite_old_keys(&self, encryption: Option<&Encryption>) -> Result<(), Error> {
        let has_current = |key_id: Option<&str>| has_current_key(encryption, key_id);
        self.set.rewrite(|layer| !layer.layer().key_ids().all(has_current))?;
        Ok(())
    }

    /// Writes the manifest anew, with the present key.
    pub(crate) fn write_manifest_anew(&self) -> Result<(), Error> {
        Ok(self.set.write_snapshot()?)
    }

    /// The name of the key of each blob of the manifest.
    pub(crate) fn manifest_key_ids(&self) -> Result<Vec<Option<String>>, Error> {
        Ok(self.set.manifest_key_ids()?)
    }

    /// Runs in level 0 over the number that starts a merge.
    pub(crate) fn pressure(&self) -> f64 {
        self.set.pressure()
    }

    /// Whether reads have `paid` enough, for what memtables of so many bytes delete, to flush them.
    pub(crate) fn is_flush_paid_for(&self, memory_bytes: u64, paid: u64) -> bool {
        self.set.is_seal_paid_for(memory_bytes, paid)
    }

    pub(crate) fn statistics(&self) -> SetStatistics {
        self.set.statistics()
    }

    /// Reads every table and compares every checksum.
    pub(crate) fn verify(&self) -> Vec<Verified> {
        let verified = self.set.verify().into_iter().map(|layer| Verified {
            file: layer.place,
            bytes: layer.descriptor.bytes,
            error: layer.outcome.err().map(|error| error.to_string()),
        });
        verified.collect()
    }

    /// Stops merging and gives the storage's lock back.
    pub(crate) fn close(&self) {
        // What could not be written at the end is found again by the next opening.
        let _ = self.set.close();
    }
}

/// A table that is being written keeps no more of its keys in memory than this share of the budget, beside that,
const KEY_MEMORY_SHARE: usize = 8;
/// or than so many bytes: with fewer keys tables would be too many.
const LEAST_KEY_MEMORY: usize = 512 << 10;

/// How new tables are written.
pub(crate) fn table_options(options: &Options) -> TableOptions {
    TableOptions {
        block_bytes: options.block_bytes,
        compression: options.compression,
        filter: options.filter,
        index: options.index,
        encryption: options.encryption.clone(),
        keyspaces: KeyspaceStoring::default(),
        key_memory: (options.memory_bytes / KEY_MEMORY_SHARE).max(LEAST_KEY_MEMORY),
    }
}

/// How long a table of a run of several is to become, in bytes.
pub(crate) fn table_bytes(options: &Options) -> u64 {
    match &options.merge_policy {
        MergePolicy::TieredThenLevelled(limits) => limits.table_bytes,
        // One table of everything would take memory for all its keys.
        MergePolicy::Tiered { .. } => Limits::default().table_bytes,
    }
}

fn set_options(options: &Options) -> SetOptions {
    SetOptions {
        policy: options.merge_policy.clone(),
        upkeep: options.upkeep.clone(),
        merge_bytes_per_second: options.merge_bytes_per_second,
        encryption: options.encryption.clone(),
        clock: options.clock.clone(),
        ..SetOptions::default()
    }
}

/// The tables at one moment.
#[derive(Debug)]
pub(crate) struct LayerView {
    version: BorrowedVersion<TableKind>,
}

/// How many runs a lookup has asked; told when this is dropped, if there was more than one.
struct Probes<'v> {
    view: &'v LayerView,
    count: u64,
}

impl Drop for Probes<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.count > 1 {
            self.view.read_costs().add(PaidByReads { runs: (self.count - 1) * PROBE, dead: 0 });
        }
    }
}

impl LayerView {
    /// What `value` makes of the value of `key` that `visibility` sees, or where that lies.
    pub(crate) fn get<V>(
        &self,
        key: &[u8],
        visibility: Visibility,
        mut value: impl FnMut(&[u8], &Arc<Layer<TableKind>>) -> V,
    ) -> Result<Option<Found<V>>, Error> {
        let mut probes = Probes { view: self, count: 0 };
        let mut lookup = Lookup::new(key, visibility.snapshot());
        let mut runs = self.version.runs().peekable();
        while let Some(run) = runs.next() {
            let Some(layer) = run.find(key) else { continue };
            probes.count += 1;
            let table = layer.layer().table()?;
            let deleted = table.tombstones().newest(key, visibility);
            let is_last = runs.peek().is_none();
            if is_last {
                lookup = lookup.with_filters(!expectation::is_likely());
            }
            let found = table.get(&lookup, |entry| {
                let stands = deleted.is_none_or(|deleted| deleted < entry.sequence);
                if stands { Found::of_with(&entry, |bytes| value(bytes, layer)) } else { Ok(None) }
            })?;
            if is_last {
                expectation::note(found.is_some());
            }
            if let Some(found) = found {
                return found;
            }
            // Whatever older tables hold was written before that.
            if deleted.is_some() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Where reads account for what they pay because tables are not merged.
    #[inline]
    pub(crate) fn read_costs(&self) -> &ReadCosts {
        self.version.read_costs()
    }

    /// The tables in runs, newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run<TableKind>> {
        self.version.runs()
    }

    /// The largest sequence of an ingestion, 0 if there is none. What opens the tables without the log they were named
    /// with must go on after it.
    pub(crate) fn ingested_through(&self) -> Sequence {
        let layers = self.version.layers();
        let notes = layers.filter_map(|layer| TableNotes::decode(&layer.descriptor().metadata));
        notes.map(|notes| notes.ingested_at).max().unwrap_or(0)
    }

    /// Every table, newest first.
    pub(crate) fn describe(&self) -> Vec<TableDescription> {
        let layers = self.version.runs().flat_map(|run| run.iter());
        // What cannot be opened has nothing to tell; a check says why.
        let describe = |layer: &Arc<Layer<TableKind>>| {
            let table = layer.layer().table().ok()?;
            Some(table.describe(layer.descriptor().id, layer.descriptor().level))
        };
        layers.filter_map(describe).collect()
    }

    /// The sequence of the last change of `key`, if there is a trace of one.
    pub(crate) fn last_change(&self, key: &[u8]) -> Result<Option<Sequence>, Error> {
        let lookup = Lookup::new(key, MAX_SEQUENCE);
        for run in self.version.runs() {
            let Some(layer) = run.find(key) else { continue };
            let deleted = layer.layer().tombstones().newest(key, Visibility::at(MAX_SEQUENCE));
            let written = layer.layer().table()?.get(&lookup, |entry| entry.sequence)?;
            if let Some(sequence) = deleted.max(written) {
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }

    /// Adds, newest first, what may hold entries of `range`.
    pub(crate) fn add_sources(
        &self,
        range: &KeyRange,
        sources: &mut Vec<Box<dyn Cursor>>,
        tombstones: &mut Vec<Arc<RangeTombstones>>,
    ) {
        for run in self.version.runs() {
            let first = run.partition_point(|layer| layer.descriptor().largest < range.start);
            let after = run.partition_point(|layer| layer.descriptor().smallest < range.end);
            let tables = run.get(first..after).unwrap_or_default();
            for layer in tables {
                let set = layer.layer().tombstones();
                if !set.is_empty() {
                    tombstones.push(set.clone());
                }
            }
            match tables {
                [] => {}
                several => {
                    if let [only] = several
                        && let LazyTable::Open(table) = only.layer().handle()
                    {
                        sources.push(Box::new(table.cursor(Caching::Use)));
                        continue;
                    }
                    let tables = several.iter().map(|layer| layer.layer().handle().clone()).collect();
                    sources.push(Box::new(LevelCursor::new(tables, Caching::Use)));
                }
            }
        }
    }
}
