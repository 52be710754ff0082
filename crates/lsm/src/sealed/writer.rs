//! Writing a sealed database: one run of tables, the values apart from them, and a manifest that names these.
//!
//! Blobs are written one after the other, so that they can go into a single file. Tables come first; where a large
//! value will lie in the file of values, which comes after them, is known beforehand, since values lie there in the
//! order of keys. So the source is walked twice if there are such values.

use std::sync::Arc;

use stroma_strata::storage::{BlobWriter, Storage};
use stroma_strata::{LayerDescriptor, LayerSummary, MergePolicy, SetImage, runtime};

use super::{SealWalk, Versions};
use crate::Error;
use crate::compaction::{TABLE_KIND, layer_summary};
use crate::entry::{EntryRef, Moment, Sequence};
use crate::flush::FlushRecord;
use crate::keyspace::is_in_catalog;
use crate::layers::{table_bytes, table_options};
use crate::options::Options;
use crate::rules::KeyspaceStoring;
use crate::table::{TableBuilder, TableOptions, TableSink};
use crate::tombstones::RangeTombstones;
use crate::values::{PlannedValues, ValueCopy, ValueFile, ValueRules, blob_name};

/// What is to be sealed.
pub(crate) trait SealSource {
    /// Every version there is, the same each time.
    fn versions(&self) -> Versions;

    /// The last sequence that is seen.
    fn sequence(&self) -> Sequence;

    /// The moment at which it is seen.
    fn moment(&self) -> Moment;

    /// A walk over what is seen.
    fn walk(&self) -> SealWalk {
        SealWalk::new(self.versions(), self.sequence(), self.moment())
    }

    /// Whether the entry is written.
    fn keeps(&self, entry: &EntryRef<'_>) -> Result<bool, Error> {
        let _ = entry;
        Ok(true)
    }

    /// How entries of keyspaces are to be stored that are not stored as the others.
    fn storing(&self) -> KeyspaceStoring {
        KeyspaceStoring::default()
    }

    /// The value file of this number, to which entries refer.
    fn value_file(&self, number: u64) -> Result<Arc<ValueFile>, Error>;
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) entries: u64,
    pub(crate) tables: usize,
    pub(crate) value_files: usize,
}

/// Writes all of `source` to `target`, which is empty, as the database of this epoch that holds everything up to
/// `sequence`. It can be opened once this has returned; before that nothing names what is written.
pub(crate) fn write_sealed(
    source: &impl SealSource,
    target: &dyn Storage,
    options: &Options,
    epoch: u64,
) -> Result<Sealed, Error> {
    let mut image = SetImage::empty(TABLE_KIND, epoch, options.encryption.clone());
    let mut sealed = Sealed::default();
    let mut cursor = source.walk();
    let keyspaces = source.storing();
    let rules = ValueRules::new(options).with_keyspaces(keyspaces.clone());
    let mut values = PlannedValues::new(image.next_layer_id(), rules);
    let written = TableOptions { keyspaces, ..bottom_options(options) };
    let mut on = cursor.first()?;
    on = skip_lost(source, &mut cursor, on)?;
    while on {
        let (descriptor, more) =
            write_table(source, &mut cursor, &mut values, target, (options, &written), &image)?;
        sealed.entries += descriptor.entries;
        sealed.tables += 1;
        image.add_layer(descriptor);
        on = more;
    }
    drop(cursor);
    if !values.is_empty() {
        write_values(source, &values, target, options)?;
        sealed.value_files = 1;
    }
    image.put_record(FlushRecord::NAME, FlushRecord::all_in_tables(source.sequence(), 1).encode());
    image.install(target)?;
    Ok(sealed)
}

/// Writes entries from the one the cursor stands on into one table; answers it and whether there are more.
fn write_table(
    source: &impl SealSource,
    cursor: &mut SealWalk,
    values: &mut PlannedValues,
    target: &dyn Storage,
    (options, written): (&Options, &TableOptions),
    image: &SetImage,
) -> Result<(LayerDescriptor, bool), Error> {
    // A table is opened when it is first read, and all of its index verified then: long ones make the first read
    // late, short ones the list long.
    let table_bytes = table_bytes(options);
    let id = image.next_layer_id();
    let mut blob = target.create(&LayerDescriptor::name_of(id))?;
    let mut builder = TableBuilder::new(TableBlob { blob: &mut *blob, id }, written.clone())?;
    let (mut on, mut last_key) = (true, Vec::new());
    // Operands and what they apply to stay together: who reads a key looks into one table of a run.
    while on && (!builder.is_full(table_bytes) || cursor.entry().user_key == last_key) {
        // The catalog is all that opening reads: it has a small table of its own.
        if is_in_catalog(&last_key) && !is_in_catalog(cursor.entry().user_key) {
            break;
        }
        last_key.clear();
        last_key.extend_from_slice(cursor.entry().user_key);
        builder.add(&values.place(cursor.entry())?)?;
        on = cursor.next()?;
        on = skip_lost(source, cursor, on)?;
    }
    let summary = builder.finish(&RangeTombstones::default())?;
    let bytes = blob.seal()?;
    let LayerSummary { smallest, largest, entries, deletes, metadata } =
        layer_summary(&summary.properties, values.take_notes(summary.properties.entries));
    let created = runtime::seconds_since_epoch(&*options.clock);
    let descriptor = LayerDescriptor {
        id,
        level: deepest_level(options),
        recency: 1,
        smallest,
        largest,
        bytes,
        entries,
        deletes,
        created,
        metadata,
    };
    Ok((descriptor, on))
}

/// The file of a table.
struct TableBlob<'a> {
    blob: &'a mut dyn BlobWriter,
    id: u64,
}

impl TableSink for TableBlob<'_> {
    type Error = Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.blob.write_all(bytes)?)
    }

    fn number(&self) -> u64 {
        self.id
    }
}

/// The level that everything is in.
fn deepest_level(options: &Options) -> u32 {
    match &options.merge_policy {
        MergePolicy::Tiered { .. } => 1,
        MergePolicy::TieredThenLevelled(limits) => limits.deepest_level.max(1),
    }
}

/// How tables of the deepest level are written.
fn bottom_options(options: &Options) -> TableOptions {
    let compression = options.level_compression.at(deepest_level(options), true, options.compression);
    TableOptions { compression, ..table_options(options) }
}

/// Moves on to the next entry that is written.
fn skip_lost(source: &impl SealSource, cursor: &mut SealWalk, mut on: bool) -> Result<bool, Error> {
    while on && !source.keeps(&cursor.entry())? {
        on = cursor.next()?;
    }
    Ok(on)
}

/// Writes the large values, where they are said to lie.
fn write_values(
    source: &impl SealSource,
    planned: &PlannedValues,
    target: &dyn Storage,
    options: &Options,
) -> Result<(), Error> {
    let blob = target.create(&blob_name(planned.file()))?;
    let (file, encryption) = (planned.file(), options.encryption.as_ref());
    let mut copy = ValueCopy::new(blob, file, planned.rules().clone(), encryption)?;
    let mut cursor = source.walk();
    let mut on = cursor.first()?;
    on = skip_lost(source, &mut cursor, on)?;
    while on {
        copy.add(&cursor.entry(), |number| source.value_file(number))?;
        on = cursor.next()?;
        on = skip_lost(source, &mut cursor, on)?;
    }
    copy.finish(planned)
}
