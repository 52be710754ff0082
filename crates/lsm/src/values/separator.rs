//! Taking large values out of the entries that become a table, and moving those whose file is mostly dead.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::packed::PackedValue;
use super::reference::ValueReference;
use super::rules::ValueRules;
use super::short::ShortValue;
use super::store::ValueStore;
use super::uses::ValueUse;
use super::writer::ValueFileWriter;
use crate::entry::{EntryRef, Filtered, Kind, Marked, NEVER, Timestamp};
use crate::{Compression, Error};

/// A value file ends with the value that makes it at least this long, so that what is dead in one is freed soon.
const FILE_BYTES: u64 = 256 << 20;

/// What tables refer to, counted while they are written.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeMap<u64, u64>);

impl Uses {
    pub(super) fn add(&mut self, reference: ValueReference) {
        *self.0.entry(reference.file).or_default() += reference.stored_bytes();
    }

    /// What was counted since the last call, by ascending file.
    pub(super) fn take(&mut self) -> Vec<ValueUse> {
        std::mem::take(&mut self.0).into_iter().map(|(file, bytes)| ValueUse { file, bytes }).collect()
    }
}

/// What the manifest is to know of a table beside what the table says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlacedNotes {
    /// What it refers to in value files, by ascending file.
    pub(crate) value_uses: Vec<ValueUse>,
    /// Entries that expire.
    pub(crate) expiring: u64,
    /// The time by which half of all entries will have expired, 0 if never.
    pub(crate) half_life: Timestamp,
    /// The largest turn of a filter among them.
    pub(crate) turn: u64,
}

/// Writes value files for one flush or merge. Unless it is [finished](ValueSeparator::finish) they go again.
#[derive(Debug)]
pub(crate) struct ValueSeparator {
    store: Arc<ValueStore>,
    /// Which values are separated, and how they are compressed.
    rules: ValueRules,
    /// From how many bytes on that of the entry is that is being placed, and how it is compressed then.
    present: (usize, Compression),
    writing: Option<ValueFileWriter>,
    sealed: Vec<u64>,
    uses: Uses,
    /// When entries of the present table expire.
    expiries: Vec<Timestamp>,
    /// How many do, those within what was filtered included.
    expiring: u64,
    /// The largest turn of a filter in the present table.
    turn: u64,
    /// Bytes written since they were last asked for.
    written: u64,
    /// The encoded reference that was placed last.
    encoded: Vec<u8>,
}

impl ValueSeparator {
    pub(crate) fn new(store: Arc<ValueStore>, rules: ValueRules) -> Self {
        ValueSeparator {
            store,
            rules,
            present: (usize::MAX, Compression::None),
            writing: None,
            sealed: Vec::new(),
            uses: Uses::default(),
            expiries: Vec::new(),
            expiring: 0,
            turn: 0,
            written: 0,
            encoded: Vec::new(),
        }
    }

    /// The entry as it is to stand in the table.
    ///
    /// # Errors
    /// Failure of the storage; damage in a value that has to be moved.
    pub(crate) fn place<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, Error> {
        self.present = self.rules.of(entry.user_key);
        match entry.kind {
            Kind::Put => {
                let reference = self.separate(entry.value)?;
                Ok(self.refer(entry, reference))
            }
            Kind::Stored => {
                self.keep_or_move(entry.value)?.encode(&mut self.encoded);
                Ok(EntryRef { value: &self.encoded, ..entry })
            }
            Kind::Marked => self.place_marked(entry),
            Kind::Delete => Ok(entry),
        }
    }

    fn place_marked<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, Error> {
        match Marked::decode(entry.value)? {
            Marked::Operand { at, .. } => {
                if at != NEVER {
                    self.note_expiry(at);
                }
                Ok(entry)
            }
            Marked::Packed { pieces } => {
                let reference = self.writer()?.append_packed(PackedValue::new(pieces))?;
                self.place_large(entry, reference)
            }
            Marked::Short { stored } => {
                let reference = self.separate_short(stored)?;
                Ok(self.refer(entry, reference))
            }
            Marked::Incompressible { content } => {
                let reference = self.writer()?.append(content, Compression::None)?;
                self.place_large(entry, reference)
            }
            Marked::Expiring { at, is_stored, content } => {
                let Some(placed) = self.place_expiring(at, is_stored, content)? else { return Ok(entry) };
                self.encoded = placed;
                Ok(EntryRef { value: &self.encoded, ..entry })
            }
            Marked::Filtered(filtered) => {
                self.turn = self.turn.max(filtered.turn);
                let dated = self.expiries.len();
                let after = filtered.after.map(|content| self.place_content(content)).transpose()?;
                let before = self.place_content(filtered.before)?;
                // To rewrite it when it has expired frees nothing as long as the filter is not through with it.
                self.expiries.truncate(dated);
                let after = after.as_ref().map(|(kind, value)| (*kind, value.as_slice()));
                let placed = Filtered { after, before: (before.0, &before.1), ..filtered };
                Marked::Filtered(placed).encode(&mut self.encoded);
                Ok(EntryRef { value: &self.encoded, ..entry })
            }
        }
    }

    /// The entry of a value that was just written.
    fn place_large<'a>(
        &'a mut self,
        entry: EntryRef<'a>,
        reference: ValueReference,
    ) -> Result<EntryRef<'a>, Error> {
        self.note_written(reference)?;
        self.uses.add(reference);
        Ok(self.refer(entry, Some(reference)))
    }

    /// The entry with a reference in the place of its value, if that lies in a file now.
    #[inline]
    fn refer<'a>(&'a mut self, entry: EntryRef<'a>, reference: Option<ValueReference>) -> EntryRef<'a> {
        let Some(reference) = reference else { return entry };
        reference.encode(&mut self.encoded);
        EntryRef { kind: Kind::Stored, value: &self.encoded, ..entry }
    }

    /// The encoded form of a put that expires, if another than it is.
    fn place_expiring(
        &mut self,
        at: Timestamp,
        is_stored: bool,
        content: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        self.note_expiry(at);
        let reference = if is_stored { Some(self.keep_or_move(content)?) } else { self.separate(content)? };
        let Some(reference) = reference else { return Ok(None) };
        let (mut content, mut placed) = (Vec::new(), Vec::new());
        reference.encode(&mut content);
        Marked::Expiring { at, is_stored: true, content: &content }.encode(&mut placed);
        Ok(Some(placed))
    }

    fn note_expiry(&mut self, at: Timestamp) {
        self.expiring += 1;
        self.expiries.push(at);
    }

    /// The kind and value of one of the two that a filtered entry is.
    fn place_content(&mut self, (kind, value): (Kind, &[u8])) -> Result<(Kind, Vec<u8>), Error> {
        let reference = match kind {
            Kind::Stored => Some(self.keep_or_move(value)?),
            Kind::Put => self.separate(value)?,
            Kind::Delete => return Ok((kind, Vec::new())),
            Kind::Marked => match Marked::decode(value)? {
                Marked::Short { stored } => self.separate_short(stored)?,
                Marked::Expiring { at, is_stored, content } => {
                    let placed = self.place_expiring(at, is_stored, content)?;
                    return Ok((kind, placed.unwrap_or_else(|| value.to_vec())));
                }
                Marked::Operand { .. }
                | Marked::Filtered(_)
                | Marked::Packed { .. }
                | Marked::Incompressible { .. } => None,
            },
        };
        let Some(reference) = reference else { return Ok((kind, value.to_vec())) };
        let mut placed = Vec::new();
        reference.encode(&mut placed);
        Ok((Kind::Stored, placed))
    }

    /// Writes a short value to a file if it is longer than short ones are by now. One that is damaged stays: whoever
    /// reads it is told, and it keeps nobody from flushing what is sound.
    fn separate_short(&mut self, stored: &[u8]) -> Result<Option<ValueReference>, Error> {
        match ShortValue::unpack_if_from(stored, self.present.0) {
            Some(value) => self.separate(&value),
            None => Ok(None),
        }
    }

    /// Writes a value to a file if it is long.
    fn separate(&mut self, value: &[u8]) -> Result<Option<ValueReference>, Error> {
        let (threshold, compression) = self.present;
        if value.len() < threshold {
            return Ok(None);
        }
        let reference = self.writer()?.append(value, compression)?;
        self.note_written(reference)?;
        self.uses.add(reference);
        Ok(Some(reference))
    }

    /// Where an encoded reference leads from now on: to a copy if its file is mostly dead.
    fn keep_or_move(&mut self, encoded: &[u8]) -> Result<ValueReference, Error> {
        let mut reference = ValueReference::decode(encoded)?;
        let file = self.store.open(reference.file)?;
        if self.store.is_to_be_emptied(&file) {
            reference = self.writer()?.append_copy(&file, reference)?;
            self.note_written(reference)?;
        }
        self.uses.add(reference);
        Ok(reference)
    }

    /// What is to be known of the table of so many entries that were placed since the last call.
    pub(crate) fn take_notes(&mut self, entries: u64) -> PlacedNotes {
        let value_uses = self.uses.take();
        let expiring = std::mem::take(&mut self.expiring);
        let turn = std::mem::take(&mut self.turn);
        PlacedNotes { value_uses, expiring, half_life: self.take_half_life(entries).unwrap_or(0), turn }
    }

    /// The time by which half of the `entries` that were placed since the last call will have expired, if ever.
    fn take_half_life(&mut self, entries: u64) -> Option<Timestamp> {
        let mut expiries = std::mem::take(&mut self.expiries);
        let half = usize::try_from(entries.div_ceil(2)).ok()?.checked_sub(1)?;
        (half < expiries.len()).then(|| *expiries.select_nth_unstable(half).1)
    }

    /// Bytes written to value files since the last call.
    pub(crate) fn take_written_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Seals what was written; it is on the device when this returns.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.seal()?;
        self.sealed.clear();
        Ok(())
    }

    /// The same, but what no table has opened by the time this is dropped goes again.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn seal(&mut self) -> Result<(), Error> {
        if let Some(writing) = self.writing.take() {
            self.sealed.push(self.store.seal(writing)?);
        }
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut ValueFileWriter, Error> {
        match &mut self.writing {
            Some(writing) => Ok(writing),
            none => Ok(none.insert(self.store.create()?)),
        }
    }

    /// A value was written; the file it is in ends with it if that is long.
    fn note_written(&mut self, reference: ValueReference) -> Result<(), Error> {
        self.written += reference.stored_bytes();
        if let Some(writing) = self.writing.take_if(|writing| writing.position() >= FILE_BYTES) {
            self.sealed.push(self.store.seal(writing)?);
        }
        Ok(())
    }
}

impl Drop for ValueSeparator {
    fn drop(&mut self) {
        for number in &self.sealed {
            self.store.discard(*number);
        }
    }
}
