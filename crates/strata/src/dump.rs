//! What a file holds, item by item: every crate with a format answers in these terms.

use std::fmt;

use crate::Error;
use crate::description::magic_of;
use crate::encryption::Encryption;
use crate::layer::LayerDescriptor;
use crate::manifest::{BlobType, MAGIC, decode};
use crate::storage::{Blob, StorageError};

/// One item of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpLine {
    /// What it is: `put`, `delete`, `record`; `damage` for what cannot be read.
    pub what: &'static str,
    /// Names and values, in the order to be shown.
    pub fields: Vec<(&'static str, DumpValue)>,
}

/// A value in a [`DumpLine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpValue {
    /// A number.
    Number(u64),
    /// Bytes of a user.
    Bytes(Vec<u8>),
    /// Words of ours.
    Text(String),
}

impl From<u64> for DumpValue {
    fn from(number: u64) -> Self {
        DumpValue::Number(number)
    }
}

impl From<&[u8]> for DumpValue {
    fn from(bytes: &[u8]) -> Self {
        DumpValue::Bytes(bytes.to_vec())
    }
}

impl From<String> for DumpValue {
    fn from(text: String) -> Self {
        DumpValue::Text(text)
    }
}

impl fmt::Display for DumpValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DumpValue::Number(number) => number.fmt(formatter),
            DumpValue::Bytes(bytes) => bytes.escape_ascii().fmt(formatter),
            DumpValue::Text(text) => text.fmt(formatter),
        }
    }
}

impl DumpLine {
    /// An item without fields.
    pub fn new(what: &'static str) -> Self {
        DumpLine { what, fields: Vec::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<DumpValue>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// What cannot be read, and where it begins.
    pub fn damage(offset: u64, what: impl fmt::Display) -> Self {
        DumpLine::new("damage").with("offset", offset).with("what", what.to_string())
    }
}

/// Where lines go; it answers whether it wants more.
pub type DumpSink<'a> = dyn FnMut(DumpLine) -> bool + 'a;

/// Tells what a manifest blob holds; answers whether it is one.
///
/// # Errors
/// When the blob cannot be read; damage is an item.
pub fn dump_manifest_blob(
    blob: &dyn Blob,
    encryption: Option<&Encryption>,
    sink: &mut DumpSink<'_>,
) -> Result<bool, StorageError> {
    if &magic_of(blob)? != MAGIC {
        return Ok(false);
    }
    let bytes = blob.read_all()?;
    let claimed = bytes.get(16..24).and_then(|bytes| bytes.first_chunk());
    let number = claimed.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let decoded = match decode(&bytes, number, &blob.describe(), encryption) {
        Ok(decoded) => decoded,
        Err(Error::Corrupt { offset, what, .. }) => {
            sink(DumpLine::damage(offset, what));
            return Ok(true);
        }
        Err(other) => {
            sink(DumpLine::damage(0, other));
            return Ok(true);
        }
    };
    let edit = decoded.edit;
    let what = if decoded.blob_type == BlobType::Snapshot { "snapshot" } else { "edit" };
    let head = DumpLine::new(what).with("number", number).with("kind", decoded.kind);
    let head = head.with("epoch", edit.epoch).with("next recency", edit.next_recency);
    let removed = edit.removed.into_iter().map(|id| DumpLine::new("layer removed").with("id", id));
    let added = edit.added.iter().map(layer_line);
    let deleted =
        edit.deleted_records.into_iter().map(|name| DumpLine::new("record deleted").with("name", name));
    let put = edit
        .put_records
        .into_iter()
        .map(|(name, bytes)| DumpLine::new("record").with("name", name).with("value", bytes.as_slice()));
    let mut lines = std::iter::once(head).chain(removed).chain(added).chain(deleted).chain(put);
    while lines.next().is_some_and(&mut *sink) {}
    Ok(true)
}

fn layer_line(layer: &LayerDescriptor) -> DumpLine {
    DumpLine::new("layer")
        .with("id", layer.id)
        .with("level", u64::from(layer.level))
        .with("recency", layer.recency)
        .with("bytes", layer.bytes)
        .with("entries", layer.entries)
        .with("deletes", layer.deletes)
        .with("created", layer.created)
        .with("smallest", layer.smallest.as_slice())
        .with("largest", layer.largest.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SetImage;
    use crate::storage::{MemoryStorage, Storage as _};

    fn lines(bytes: &[u8]) -> Option<Vec<DumpLine>> {
        let storage = MemoryStorage::new();
        storage.put_if_absent("file", bytes).unwrap();
        let mut lines = Vec::new();
        let mut sink = |line| {
            lines.push(line);
            true
        };
        dump_manifest_blob(&*storage.open("file").unwrap(), None, &mut sink).unwrap().then_some(lines)
    }

    #[test]
    fn a_manifest_blob_is_told_item_by_item_and_damage_at_every_byte() {
        let mut image = SetImage::empty("numbers", 3, None);
        image.put_record("count", *b"\x07");
        let bytes = image.encode(1).unwrap();
        let told = lines(&bytes).unwrap();
        assert_eq!(told.iter().map(|line| line.what).collect::<Vec<_>>(), ["snapshot", "record"]);
        assert_eq!(told[1].fields[1].1.to_string(), "\\x07");
        for at in 8..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(lines(&changed).unwrap()[0].what, "damage", "byte {at}");
            assert_eq!(lines(&bytes[..at]).unwrap()[0].what, "damage", "cut at {at}");
        }
        assert_eq!(lines(b"something else"), None);
    }
}
