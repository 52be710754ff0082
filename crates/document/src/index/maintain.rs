//! Keeps index entries in step with a document that is inserted, changed or removed.

use std::collections::BTreeSet;

use bson::Document;

use super::duplicate::duplicate_key;
use super::keys::DocumentKeys;
use crate::catalog::{CollectionEntry, IndexEntry};
use crate::error::{Code, Error, Result};
use crate::namespace::Namespace;
use crate::record::{index_entry, index_prefix, record_id_of_entry};
use crate::store::{Direction, KeyRange, StoreTransaction};

/// A document before and after a write; one of the two may be absent.
#[derive(Clone, Copy)]
pub(crate) struct Change<'d> {
    /// The encoded `_id`, which is the same before and after.
    pub(crate) id: &'d [u8],
    pub(crate) before: Option<&'d Document>,
    pub(crate) after: Option<&'d Document>,
}

/// What one index gains and loses.
struct Difference {
    index_id: u64,
    removed: Vec<Vec<u8>>,
    added: Vec<Vec<u8>>,
}

/// Writes the entries that `change` adds and deletes those it takes away, in all indexes of the collection
/// or in the one given. If an array appears on a path for the first time, gives the entry that says so, for
/// the caller to write.
///
/// # Errors
/// `DuplicateKey` (11000), `CannotIndexParallelArrays` (171), `KeyTooLong` (17280). Nothing is written then.
pub(crate) fn apply(
    transaction: &mut dyn StoreTransaction,
    entry: &CollectionEntry,
    change: Change<'_>,
    key_limit: usize,
) -> Result<Option<CollectionEntry>> {
    let mut differences = Vec::with_capacity(entry.indexes.len());
    let mut changed_entry: Option<CollectionEntry> = None;
    for (position, index) in entry.indexes.iter().enumerate() {
        let (difference, arrays) = compare(transaction, &entry.namespace, index, change, key_limit)?;
        differences.push(difference);
        if arrays.iter().zip(&index.multikey).any(|(now, known)| *now && !known) {
            let changed = &mut changed_entry.get_or_insert_with(|| entry.clone()).indexes[position];
            for (known, now) in changed.multikey.iter_mut().zip(arrays) {
                *known |= now;
            }
        }
    }
    for difference in differences {
        for key in &difference.removed {
            transaction.delete(&index_entry(difference.index_id, key, change.id).0)?;
        }
        for key in &difference.added {
            let (key, value) = index_entry(difference.index_id, key, change.id);
            transaction.put(&key, &value)?;
        }
    }
    Ok(changed_entry)
}

fn compare(
    transaction: &dyn StoreTransaction,
    namespace: &Namespace,
    index: &IndexEntry,
    change: Change<'_>,
    key_limit: usize,
) -> Result<(Difference, Vec<bool>)> {
    let mut arrays = vec![false; index.fields.len()];
    let before = match change.before {
        Some(document) => keys_of(index, document)?.0,
        None => BTreeSet::new(),
    };
    let mut added = Vec::new();
    let mut kept = BTreeSet::new();
    if let Some(document) = change.after {
        let (after, keys) = keys_of(index, document)?;
        for key in after {
            if before.contains(&key) && index.is_ready() {
                kept.insert(key);
                continue;
            }
            if key.len() + change.id.len() + index_prefix(0).len() > key_limit {
                return Err(Error::new(
                    Code::KeyTooLong,
                    format!("the document's key in index {} is too long: {} bytes", index.name, key.len()),
                ));
            }
            if index.unique && is_taken(transaction, index.id, &key, change.id)? {
                return Err(duplicate_key(namespace, index, &keys, &key));
            }
            kept.insert(key.clone());
            added.push(key);
        }
        arrays = keys.arrays;
    }
    let removed = before.into_iter().filter(|key| !kept.contains(key)).collect();
    Ok((Difference { index_id: index.id, removed, added }, arrays))
}

fn keys_of<'d>(
    index: &'d IndexEntry,
    document: &'d Document,
) -> Result<(BTreeSet<Vec<u8>>, DocumentKeys<'d>)> {
    let keys = DocumentKeys::of(document, &index.fields)?;
    let is_left_out = index.sparse && keys.is_all_missing();
    let encoded = if is_left_out { BTreeSet::new() } else { keys.encoded(&index.fields) };
    Ok((encoded, keys))
}

/// Whether another document has this key. The walk is guarded by the transaction, so that two writers of
/// one key cannot both find it free.
fn is_taken(transaction: &dyn StoreTransaction, index_id: u64, key: &[u8], id: &[u8]) -> Result<bool> {
    let mut prefix = index_prefix(index_id);
    prefix.extend_from_slice(key);
    for entry in transaction.scan(KeyRange::prefix(prefix), Direction::Forward)? {
        let (key, value) = entry?;
        if record_id_of_entry(&key, &value)? != id {
            return Ok(true);
        }
    }
    Ok(false)
}
