//! What the catalog keeps about a collection and its indexes, and how that becomes bytes.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};

use crate::error::{Code, Error, Result};
use crate::index::IndexField;
use crate::namespace::Namespace;

/// A collection as the catalog knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CollectionEntry {
    pub(crate) namespace: Namespace,
    pub(crate) id: u64,
    pub(crate) uuid: [u8; 16],
    /// All but the one on `_id`, which the records themselves are.
    pub(crate) indexes: Vec<IndexEntry>,
}

/// An index as the catalog knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexEntry {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Paths with 1 or -1, as the user gave them.
    pub(crate) key: Document,
    /// The key, split and read.
    pub(crate) fields: Vec<IndexField>,
    pub(crate) unique: bool,
    pub(crate) sparse: bool,
    pub(crate) hidden: bool,
    pub(crate) state: IndexState,
    /// Per path of the key: whether some document has an array there. Never taken back.
    pub(crate) multikey: Vec<bool>,
}

/// How far an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexState {
    /// Kept up to date by writes, but older documents may be missing; not used by queries.
    Building,
    /// Has every document.
    Ready,
}

impl IndexEntry {
    pub(crate) fn is_ready(&self) -> bool {
        self.state == IndexState::Ready
    }

    pub(crate) fn is_multikey(&self) -> bool {
        self.multikey.contains(&true)
    }

    /// The index's name and key as `listIndexes` shows them.
    pub(crate) fn describe(&self) -> Document {
        let mut shown = doc! { "v": 2, "key": &self.key, "name": &self.name };
        for (option, is_set) in [("unique", self.unique), ("sparse", self.sparse), ("hidden", self.hidden)] {
            if is_set {
                shown.insert(option, true);
            }
        }
        shown
    }

    fn to_document(&self) -> Document {
        doc! {
            "id": self.id as i64,
            "name": &self.name,
            "key": &self.key,
            "unique": self.unique,
            "sparse": self.sparse,
            "hidden": self.hidden,
            "ready": self.is_ready(),
            "multikey": self.multikey.iter().map(|is_array| Bson::Boolean(*is_array)).collect::<Vec<_>>(),
        }
    }

    fn from_document(document: &Document) -> Option<IndexEntry> {
        let key = document.get_document("key").ok()?.clone();
        let multikey = document.get_array("multikey").ok()?;
        let multikey: Vec<bool> = multikey.iter().map(Bson::as_bool).collect::<Option<_>>()?;
        (multikey.len() == key.len()).then_some(())?;
        Some(IndexEntry {
            fields: IndexField::parse_key(&key).ok()?,
            id: document.get_i64("id").ok()? as u64,
            name: document.get_str("name").ok()?.to_owned(),
            key,
            unique: document.get_bool("unique").ok()?,
            sparse: document.get_bool("sparse").ok()?,
            hidden: document.get_bool("hidden").ok()?,
            state: if document.get_bool("ready").ok()? { IndexState::Ready } else { IndexState::Building },
            multikey,
        })
    }
}

impl CollectionEntry {
    /// The entry's bytes in the store.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: self.uuid.to_vec() };
        let indexes: Vec<Bson> = self.indexes.iter().map(|index| index.to_document().into()).collect();
        let document = doc! { "id": self.id as i64, "uuid": uuid, "indexes": indexes };
        document.to_vec().map_err(|error| Error::new(Code::InternalError, error.to_string()))
    }

    /// Reads an entry back.
    pub(crate) fn from_bytes(namespace: Namespace, bytes: &[u8]) -> Result<CollectionEntry> {
        let damaged =
            || Error::new(Code::InternalError, format!("the catalog entry of {namespace} is damaged"));
        let document = Document::from_reader(bytes).map_err(|_| damaged())?;
        let read = || {
            let Some(Bson::Binary(uuid)) = document.get("uuid") else { return None };
            let indexes = document.get_array("indexes").ok()?.iter();
            Some((
                document.get_i64("id").ok()? as u64,
                <[u8; 16]>::try_from(uuid.bytes.as_slice()).ok()?,
                indexes
                    .map(|index| IndexEntry::from_document(index.as_document()?))
                    .collect::<Option<_>>()?,
            ))
        };
        let (id, uuid, indexes) = read().ok_or_else(damaged)?;
        Ok(CollectionEntry { namespace, id, uuid, indexes })
    }

    /// The indexes that queries may use.
    pub(crate) fn ready_indexes(&self) -> impl Iterator<Item = &IndexEntry> {
        self.indexes.iter().filter(|index| index.is_ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> CollectionEntry {
        CollectionEntry {
            namespace: Namespace::new("db", "c").unwrap(),
            id: 7,
            uuid: [9; 16],
            indexes: vec![IndexEntry {
                id: 8,
                name: "a_1_b_-1".to_owned(),
                key: doc! { "a": 1, "b": -1 },
                fields: IndexField::parse_key(&doc! { "a": 1, "b": -1 }).unwrap(),
                unique: true,
                sparse: false,
                hidden: false,
                state: IndexState::Building,
                multikey: vec![false, true],
            }],
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let entry = entry();
        let bytes = entry.to_bytes().unwrap();
        assert_eq!(CollectionEntry::from_bytes(entry.namespace.clone(), &bytes).unwrap(), entry);
    }

    #[test]
    fn damage_never_panics() {
        let entry = entry();
        let bytes = entry.to_bytes().unwrap();
        for position in 0..bytes.len() {
            let cut = CollectionEntry::from_bytes(entry.namespace.clone(), &bytes[..position]);
            assert!(cut.is_err());
            for bit in [0x01, 0x80] {
                let mut bad = bytes.clone();
                bad[position] ^= bit;
                // A flipped bit in a name is still an entry; the store's checksums guard against that.
                let _ = CollectionEntry::from_bytes(entry.namespace.clone(), &bad);
            }
        }
    }
}
