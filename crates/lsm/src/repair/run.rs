//! The repair of a database from beginning to end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use stroma_logmem::{Pool, PoolOptions};
use stroma_strata::salvage_manifest;
use stroma_strata::storage::{LocalStorage, LogStorage, ReadOnlyStorage, Storage, StorageError};

use super::log::salvage_log;
use super::report::{LostValue, RenamedKeyspace, RepairReport};
use super::source::Salvaged;
use super::tables::salvage_tables;
use crate::Error;
use crate::backup::check_empty;
use crate::database::Database;
use crate::entry::Moment;
use crate::flush::FlushRecord;
use crate::keyspace::name_lost_keyspaces;
use crate::log::{LogSource, Record};
use crate::memtable::{MemtableChain, MemtableOptions};
use crate::options::Options;
use crate::sealed::write_sealed;
use crate::snapshot::SnapshotRegistry;
use crate::values::ValueStore;

impl Database {
    /// Writes what can be read of a damaged database into a new one in `into`, and tells what could not be. The damaged
    /// one is not changed.
    ///
    /// Kept are all whole blocks of all whole tables that the manifest names (of all tables there are if that is
    /// damaged), all whole values, and all whole records of the log up to the first damaged one of each segment. Where
    /// something is lost that hid older values, or deleted keys, these are back:
    /// [`RepairReport::may_have_gone_back`]. What the log held must fit into [`Options::memory_bytes`].
    ///
    /// # Errors
    /// [`Error::NoDatabase`] if there is nothing; [`Error::Storage`] with `Locked` if it is open to be written;
    /// [`Error::NotEmpty`] if there is a database in `into`; [`Error::Unsupported`] if a newer program wrote it;
    /// failure of a storage.
    pub fn repair(
        path: impl AsRef<Path>,
        into: impl AsRef<Path>,
        options: Options,
    ) -> Result<RepairReport, Error> {
        Database::repair_knowing(path, into, options, &BTreeMap::new())
    }

    /// The same for a program that knows `names` of keyspaces by their numbers, such as that of the one it always makes
    /// first, which has number 1: a keyspace gets its known name back if the catalog lost it and no other has it.
    ///
    /// # Errors
    /// As [`Database::repair`].
    pub fn repair_knowing(
        path: impl AsRef<Path>,
        into: impl AsRef<Path>,
        options: Options,
        names: &BTreeMap<u32, String>,
    ) -> Result<RepairReport, Error> {
        let path = path.as_ref();
        let damaged = LocalStorage::open_existing(path).map_err(|error| match error {
            StorageError::NotFound { place } => Error::NoDatabase { place },
            error => error.into(),
        })?;
        repair_storage(Arc::new(damaged), &LocalStorage::open(into.as_ref())?, options, names)
    }

    /// The same from any storage into any.
    ///
    /// # Errors
    /// As [`Database::repair`].
    pub fn repair_storage(
        damaged: Arc<dyn LogStorage>,
        target: &dyn Storage,
        options: Options,
    ) -> Result<RepairReport, Error> {
        repair_storage(damaged, target, options, &BTreeMap::new())
    }
}

fn repair_storage(
    damaged: Arc<dyn LogStorage>,
    target: &dyn Storage,
    options: Options,
    names: &BTreeMap<u32, String>,
) -> Result<RepairReport, Error> {
    // Only to keep writers out: what cannot be locked because it cannot be written is not written either.
    let _lock = match damaged.lock() {
        Err(locked @ StorageError::Locked { .. }) => return Err(locked.into()),
        outcome => outcome.ok(),
    };
    let _target_lock = target.lock()?;
    check_empty(target)?;
    let damaged: Arc<dyn LogStorage> = Arc::new(ReadOnlyStorage::new(damaged));
    let mut report = RepairReport::default();
    let (source, epoch) = salvage(&damaged, &options, names, &mut report)?;
    report.entries = write_sealed(&source, target, &options, epoch)?.entries;
    let checked = source.checked.into_inner();
    let lost = checked.into_iter().filter_map(|(key, what)| Some(LostValue { key, what: what? }));
    report.lost_values = lost.collect();
    Ok(report)
}

/// Reads what can be read; answers it and the epoch of its last writer.
fn salvage(
    damaged: &Arc<dyn LogStorage>,
    options: &Options,
    names: &BTreeMap<u32, String>,
    report: &mut RepairReport,
) -> Result<(Salvaged, u64), Error> {
    let storage: &dyn Storage = &**damaged;
    let manifest = salvage_manifest(storage, options.encryption.as_ref())?;
    report.manifest.clone_from(&manifest.damaged);
    let tables = salvage_tables(storage, &manifest, options.encryption.as_ref(), report)?;
    if manifest.image.is_none() && tables.is_empty() && damaged.list_logs("log")?.is_empty() {
        return Err(Error::NoDatabase { place: damaged.describe("") });
    }
    let record = manifest.image.as_ref().map(|image| image.record(FlushRecord::NAME));
    let flushed = record.and_then(FlushRecord::decode).filter(|_| manifest.is_whole);
    // Without a manifest nobody knows what tables hold; the same entry twice does no harm.
    let flushed = flushed.unwrap_or(FlushRecord::all_in_tables(0, 0));
    let shares = options.memory_shares()?;
    let pool =
        Pool::new(PoolOptions { capacity_bytes: options.memory_bytes, segment_bytes: shares.segment })?;
    let memtables = MemtableOptions { pool, index_bytes: shares.index };
    let mut log = MemtableChain::default();
    let source = LogSource { storage: &**damaged, encryption: options.encryption.as_ref() };
    salvage_log(source, flushed.first_needed_log, flushed.flushed_through, report, |record| {
        log.add(&memtables, &shares, record)
    })?;
    let in_tables = tables.iter().map(|each| each.table.last_sequence()).max().unwrap_or(0);
    report.last_sequence = report.last_sequence.max(in_tables);
    let epoch = manifest.image.as_ref().map_or(0, |image| image.epoch()) + 1;
    let values = ValueStore::new(damaged.clone(), options.encryption.clone());
    let mut source = Salvaged {
        tables,
        log,
        values,
        sequence: report.last_sequence,
        moment: Moment { time: SnapshotRegistry::new(options.clock.clone()).time(), turn: u64::MAX },
        checked: parking_lot::Mutex::default(),
    };
    let (payload, renamed) = name_lost_keyspaces(&source.keyspaces_with_keys()?, &source.catalog()?, names);
    if payload.operations > 0 {
        let first_sequence = source.sequence + 1;
        let record = Record { first_sequence, operations: payload.operations, payload: &payload.bytes };
        source.log.add(&memtables, &shares, &record)?;
        source.sequence = record.last_sequence();
        let named = renamed.into_iter().map(|(number, name)| RenamedKeyspace { number, name });
        report.renamed_keyspaces = named.collect();
    }
    Ok((source, epoch))
}
