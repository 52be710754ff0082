//! Tables, as far as they can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::{Storage, StorageError};
use stroma_strata::{LayerDescriptor, SalvagedManifest};

use super::report::{LostPart, LostTable, RepairReport};
use crate::Error;
use crate::compaction::TableNotes;
use crate::table::{BlockKeys, Table, TableKeys};

/// The folder of tables.
const FOLDER: &str = "layers";

/// A table with the blocks that cannot be read.
pub(super) struct SalvagedTable {
    pub(super) table: Table,
    pub(super) lost: Arc<BTreeSet<usize>>,
}

/// The tables of a database, or of its folder where the manifest does not tell.
pub(super) fn salvage_tables(
    storage: &dyn Storage,
    manifest: &SalvagedManifest,
    encryption: Option<&Encryption>,
    report: &mut RepairReport,
) -> Result<Vec<SalvagedTable>, Error> {
    let named: BTreeMap<String, &LayerDescriptor> =
        manifest.image.iter().flat_map(|image| image.layers()).map(|each| (each.blob_name(), each)).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    if manifest.is_whole {
        names.extend(named.keys().cloned());
    } else {
        names.extend(storage.list(FOLDER)?.into_iter().map(|entry| entry.name));
    }
    let mut tables = Vec::new();
    for name in names {
        let descriptor = named.get(&name).copied();
        match open(storage, &name, descriptor, encryption) {
            Ok(table) => tables.push(read_blocks(table, report)?),
            Err(error) => {
                let what = match error {
                    Error::Corrupt { what, .. } => what,
                    Error::Storage(StorageError::NotFound { .. }) => "it is missing".to_owned(),
                    other => return Err(other),
                };
                report.lost_tables.push(LostTable {
                    file: storage.describe(&name),
                    what,
                    keys: descriptor.map(|each| (each.smallest.clone(), each.largest.clone())),
                    entries: descriptor.map(|each| each.entries),
                });
            }
        }
    }
    report.tables = tables.len();
    Ok(tables)
}

fn open(
    storage: &dyn Storage,
    name: &str,
    descriptor: Option<&LayerDescriptor>,
    encryption: Option<&Encryption>,
) -> Result<Table, Error> {
    let notes = descriptor.and_then(|descriptor| TableNotes::decode(&descriptor.metadata));
    let number = name.rsplit('/').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let keys = TableKeys { encryption: encryption.cloned(), number };
    Table::open_with(storage.open(name)?, keys, None, notes.map_or(0, |notes| notes.ingested_at))
}

/// Reads every block.
fn read_blocks(table: Table, report: &mut RepairReport) -> Result<SalvagedTable, Error> {
    let mut lost = BTreeSet::new();
    let mut last_key: Option<Vec<u8>> = None;
    let mut part: Option<LostPart> = None;
    for block in 0..table.block_count() {
        match table.block_keys(block) {
            Ok(BlockKeys { first, last }) => {
                if let Some(part) = part.take() {
                    report.lost_parts.push(LostPart { before: Some(first), ..part });
                }
                last_key = Some(last);
            }
            Err(Error::Corrupt { what, .. }) => {
                lost.insert(block);
                let begun = || LostPart {
                    file: table.place().to_owned(),
                    what,
                    blocks: 0,
                    after: last_key.clone(),
                    before: None,
                };
                part.get_or_insert_with(begun).blocks += 1;
            }
            Err(other) => return Err(other),
        }
    }
    report.lost_parts.extend(part);
    Ok(SalvagedTable { table, lost: Arc::new(lost) })
}
