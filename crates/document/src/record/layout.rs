//! The keys of the store: `docs/formats/document-keys.md` in code.

use bson::Bson;

use crate::error::{Code, Error, Result};
use crate::language::key::{Direction, encode_value};
use crate::store::KeyRange;

/// Holds the format's magic and version.
pub(crate) const FORMAT_KEY: &[u8] = &[0x00];
/// Holds the next id that is given to a collection or an index.
pub(crate) const IDS_KEY: &[u8] = &[0x01];

const CATALOG: u8 = 0x10;
const RECORD: u8 = 0x20;
const INDEX: u8 = 0x30;

/// The order-preserving encoding of a document's `_id`: what names a record within its collection.
pub(crate) type RecordId = Vec<u8>;

/// The key of a collection's catalog entry.
pub(crate) fn catalog_key(namespace: &str) -> Vec<u8> {
    let mut key = vec![CATALOG];
    key.extend_from_slice(namespace.as_bytes());
    key
}

/// The catalog entries of one database, or of all.
pub(crate) fn catalog_range(database: Option<&str>) -> KeyRange {
    let mut prefix = vec![CATALOG];
    if let Some(database) = database {
        prefix.extend_from_slice(database.as_bytes());
        prefix.push(b'.');
    }
    KeyRange::prefix(prefix)
}

/// What the keys of a collection's records begin with.
pub(crate) fn record_prefix(collection_id: u64) -> Vec<u8> {
    tagged(RECORD, collection_id)
}

/// The key of one record.
pub(crate) fn record_key(collection_id: u64, id: &[u8]) -> Vec<u8> {
    let mut key = record_prefix(collection_id);
    key.extend_from_slice(id);
    key
}

/// What the keys of an index begin with.
pub(crate) fn index_prefix(index_id: u64) -> Vec<u8> {
    tagged(INDEX, index_id)
}

/// The key and value of an index entry: `keys` are the encoded values, the value tells where `id` begins.
pub(crate) fn index_entry(index_id: u64, keys: &[u8], id: &[u8]) -> (Vec<u8>, [u8; 4]) {
    let mut key = index_prefix(index_id);
    key.extend_from_slice(keys);
    key.extend_from_slice(id);
    (key, (id.len() as u32).to_le_bytes())
}

/// All records of collections from number `least` on.
pub(crate) fn record_range(least: u64) -> KeyRange {
    KeyRange { start: tagged(RECORD, least), ..KeyRange::prefix(vec![RECORD]) }
}

/// All entries of indexes from number `least` on.
pub(crate) fn index_range(least: u64) -> KeyRange {
    KeyRange { start: tagged(INDEX, least), ..KeyRange::prefix(vec![INDEX]) }
}

/// The number of the collection in a record's key, or of the index in an entry's.
pub(crate) fn number_of_key(key: &[u8]) -> Result<u64> {
    key.get(1..)
        .and_then(|rest| rest.first_chunk())
        .map(|number| u64::from_be_bytes(*number))
        .ok_or_else(|| Error::new(Code::InternalError, "a key of a record or an index entry is damaged"))
}

/// The record that an index entry points to.
pub(crate) fn record_id_of_entry<'k>(key: &'k [u8], value: &[u8]) -> Result<&'k [u8]> {
    let length = <[u8; 4]>::try_from(value).map(|bytes| u32::from_le_bytes(bytes) as usize);
    length
        .ok()
        .and_then(|length| key.len().checked_sub(length))
        .filter(|start| *start >= TAGGED_BYTES)
        .map(|start| &key[start..])
        .ok_or_else(|| {
            Error::new(Code::InternalError, "an index entry is damaged; drop and recreate the index")
        })
}

/// The record id within a record's key.
pub(crate) fn record_id_of_record(key: &[u8]) -> Result<&[u8]> {
    key.get(TAGGED_BYTES..).ok_or_else(|| Error::new(Code::InternalError, "a record's key is damaged"))
}

const TAGGED_BYTES: usize = 9;

fn tagged(tag: u8, id: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.push(tag);
    key.extend_from_slice(&id.to_be_bytes());
    key
}

/// Encodes the `_id` of a document.
pub(crate) fn encode_id(id: &Bson) -> RecordId {
    let mut bytes = Vec::new();
    encode_value(id, Direction::Ascending, &mut bytes);
    bytes
}
