//! What the manifest knows of a table, and whether a file is the table that the manifest means.

use stroma_strata::{LayerDescriptor, LayerSummary};

use crate::Error;
use crate::coding::{Reader, put_varint};
use crate::entry::{Sequence, Timestamp};
use crate::table::{INGESTED_SEQUENCE, Properties};
use crate::values::{PlacedNotes, ValueUse};

/// What the manifest keeps of a table beside bounds and counts: four varints, in this order, then the uses, then what
/// few tables have: for each its number and its value, as varints, by ascending number.
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
    /// The sequence that its entries stand for if it was ingested, else 0. Extra 1.
    pub(crate) ingested_at: Sequence,
    /// Entries that expire. Extra 2.
    pub(crate) expiring: u64,
    /// The time by which half of all entries will have expired, 0 if never. Extra 3.
    pub(crate) half_life: Timestamp,
    /// The largest turn of a filter in it, 0 if there is none. Extra 4.
    pub(crate) turn: u64,
}

impl TableNotes {
    fn of(properties: &Properties, placed: PlacedNotes) -> Self {
        Self {
            smallest_sequence: properties.smallest_sequence,
            largest_sequence: properties.largest_sequence,
            deletes: properties.deletes,
            range_deletes: properties.range_deletes,
            value_uses: placed.value_uses,
            ingested_at: 0,
            expiring: placed.expiring,
            half_life: placed.half_life,
            turn: placed.turn,
        }
    }

    /// The same of a table that was ingested: its entries stand for this sequence.
    pub(crate) fn ingested_at(self, sequence: Sequence) -> Self {
        Self { smallest_sequence: sequence, largest_sequence: sequence, ingested_at: sequence, ..self }
    }

    /// What stands behind the uses, by number.
    fn extras(&mut self) -> [&mut u64; 4] {
        [&mut self.ingested_at, &mut self.expiring, &mut self.half_life, &mut self.turn]
    }

    /// The metadata of a layer.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.smallest_sequence, self.largest_sequence, self.deletes, self.range_deletes] {
            put_varint(&mut out, number);
        }
        ValueUse::encode_all(&self.value_uses, &mut out);
        for (extra, number) in self.clone().extras().into_iter().zip(1..) {
            if *extra > 0 {
                put_varint(&mut out, number);
                put_varint(&mut out, *extra);
            }
        }
        out
    }

    /// Reads a layer's metadata; `None` if a table's writer did not write it.
    pub(crate) fn decode(metadata: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(metadata);
        let mut notes = Self {
            smallest_sequence: reader.varint()?,
            largest_sequence: reader.varint()?,
            deletes: reader.varint()?,
            range_deletes: reader.varint()?,
            value_uses: ValueUse::decode_all(&mut reader)?,
            ingested_at: 0,
            expiring: 0,
            half_life: 0,
            turn: 0,
        };
        let mut before = 0;
        while !reader.is_empty() {
            let (number, value) = (reader.varint()?, reader.varint()?);
            let is_in_order = number > before && value > 0;
            before = number;
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            **notes.extras().get_mut(at).filter(|_| is_in_order)? = value;
        }
        Some(notes)
    }
}

/// What the manifest is to know of a table.
pub(crate) fn layer_summary(properties: &Properties, placed: PlacedNotes) -> LayerSummary {
    LayerSummary {
        smallest: properties.smallest_key.clone(),
        largest: properties.largest_key.clone(),
        entries: properties.entries,
        deletes: properties.deletes + properties.range_deletes,
        metadata: TableNotes::of(properties, placed).encode(),
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
    let found = |notes: &TableNotes| {
        let placed = PlacedNotes {
            value_uses: notes.value_uses.clone(),
            expiring: notes.expiring,
            half_life: notes.half_life,
            turn: notes.turn,
        };
        let found = TableNotes::of(properties, placed);
        let is_ingested = notes.ingested_at > 0 && properties.largest_sequence == INGESTED_SEQUENCE;
        if is_ingested { found.ingested_at(notes.ingested_at) } else { found }
    };
    TableNotes::decode(&descriptor.metadata)
        .filter(|notes| same && *notes == found(notes))
        .ok_or_else(|| Error::corrupt(place, 0, "it is not the table that the manifest means"))
}
