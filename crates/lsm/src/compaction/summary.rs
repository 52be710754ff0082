//! What the manifest knows of a table, and whether a file is the table that the manifest means.

use stroma_strata::{LayerDescriptor, LayerSummary};

use crate::Error;
use crate::coding::{Reader, put_varint};
use crate::entry::Sequence;
use crate::table::Properties;
use crate::values::ValueUse;

/// What the manifest keeps of a table beside bounds and counts: four varints, in this order, then the uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableNotes {
    /// The least sequence in the table.
    pub(crate) smallest_sequence: Sequence,
    /// The largest sequence in the table.
    pub(crate) largest_sequence: Sequence,
    /// Entries that delete a key.
    pub(crate) deletes: u64,
    /// Fragments of range tombstones.
    pub(crate) range_deletes: u64,
    /// What it refers to in value files, by ascending file.
    pub(crate) value_uses: Vec<ValueUse>,
}

impl TableNotes {
    fn of(properties: &Properties, value_uses: Vec<ValueUse>) -> Self {
        Self {
            smallest_sequence: properties.smallest_sequence,
            largest_sequence: properties.largest_sequence,
            deletes: properties.deletes,
            range_deletes: properties.range_deletes,
            value_uses,
        }
    }

    /// The metadata of a layer.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.smallest_sequence, self.largest_sequence, self.deletes, self.range_deletes] {
            put_varint(&mut out, number);
        }
        ValueUse::encode_all(&self.value_uses, &mut out);
        out
    }

    /// Reads a layer's metadata; `None` if a table's writer did not write it.
    pub(crate) fn decode(metadata: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(metadata);
        let notes = Self {
            smallest_sequence: reader.varint()?,
            largest_sequence: reader.varint()?,
            deletes: reader.varint()?,
            range_deletes: reader.varint()?,
            value_uses: ValueUse::decode_all(&mut reader)?,
        };
        reader.is_empty().then_some(notes)
    }
}

/// What the manifest is to know of a table that refers to `value_uses`.
pub(crate) fn layer_summary(properties: &Properties, value_uses: Vec<ValueUse>) -> LayerSummary {
    LayerSummary {
        smallest: properties.smallest_key.clone(),
        largest: properties.largest_key.clone(),
        entries: properties.entries,
        deletes: properties.deletes + properties.range_deletes,
        metadata: TableNotes::of(properties, value_uses).encode(),
    }
}

/// What the manifest tells of a table. Refuses a whole table that is not the one it names, such as a file put in
/// another's place.
pub(super) fn check_descriptor(
    properties: &Properties,
    descriptor: &LayerDescriptor,
    place: &str,
) -> Result<TableNotes, Error> {
    let same = properties.smallest_key == descriptor.smallest
        && properties.largest_key == descriptor.largest
        && properties.entries == descriptor.entries;
    TableNotes::decode(&descriptor.metadata)
        .filter(|notes| same && *notes == TableNotes::of(properties, notes.value_uses.clone()))
        .ok_or_else(|| Error::corrupt(place, 0, "it is not the table that the manifest means"))
}
