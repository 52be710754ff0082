//! Large values of a sealed database: told where they will lie before they are written.

use std::borrow::Cow;
use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::BlobWriter;

use super::file::ValueFile;
use super::format::{HEADER_BYTES, identity};
use super::packed::PackedValue;
use super::packer::PackedSize;
use super::reference::ValueReference;
use super::rules::ValueRules;
use super::separator::{PlacedNotes, Uses};
use super::short::ShortValue;
use super::store::blob_name;
use super::writer::ValueFileWriter;
use crate::entry::{EntryRef, Kind, Marked, NEVER, Timestamp};
use crate::{Compression, Error};

/// Gives large values their places in one file, in the order in which they come.
#[derive(Debug)]
pub(crate) struct PlannedValues {
    file: u64,
    rules: ValueRules,
    /// How long values become.
    size: PackedSize,
    /// Where the next one starts.
    end: u64,
    uses: Uses,
    /// When entries expire.
    expiries: Vec<Timestamp>,
    encoded: Vec<u8>,
}

impl PlannedValues {
    /// For the file of this number; values that are long enough go there, and those that were in value files.
    pub(crate) fn new(file: u64, rules: ValueRules) -> Self {
        PlannedValues {
            file,
            rules,
            size: PackedSize::default(),
            end: HEADER_BYTES as u64,
            uses: Uses::default(),
            expiries: Vec::new(),
            encoded: Vec::new(),
        }
    }

    /// The entry as it is to stand in the table.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a malformed reference.
    pub(crate) fn place<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, Error> {
        let expiry = Marked::expiry(&entry)?;
        if expiry != NEVER {
            self.expiries.push(expiry);
        }
        let (threshold, compression) = self.rules.of(entry.user_key);
        let Some(large) = Large::of(&entry, threshold)? else { return Ok(entry) };
        let (length, packed_bytes) = match large {
            // Copied as it is.
            Large::Stored(reference) => (reference.length, reference.packed_bytes),
            Large::Packed(value) => value.lengths()?,
            Large::Incompressible(value) => (value.len() as u64, 0),
            Large::Inline(value) => (value.len() as u64, self.size.packed_bytes(&value, compression)),
        };
        let reference = ValueReference { file: self.file, offset: self.end, length, packed_bytes };
        self.end = reference.end().ok_or(Error::TooLarge {
            what: "the file of values",
            bytes: length,
            limit: u64::MAX - self.end,
        })?;
        self.uses.add(reference);
        reference.encode(&mut self.encoded);
        if expiry == NEVER {
            return Ok(EntryRef { kind: Kind::Stored, value: &self.encoded, ..entry });
        }
        let content = std::mem::take(&mut self.encoded);
        Marked::Expiring { at: expiry, is_stored: true, content: &content }.encode(&mut self.encoded);
        Ok(EntryRef { value: &self.encoded, ..entry })
    }

    /// What the manifest is to know of the `entries` that were placed since the last call.
    pub(crate) fn take_notes(&mut self, entries: u64) -> PlacedNotes {
        let mut expiries = std::mem::take(&mut self.expiries);
        let expiring = expiries.len() as u64;
        let half = usize::try_from(entries.div_ceil(2)).unwrap_or(usize::MAX).saturating_sub(1);
        let half_life = if half < expiries.len() { *expiries.select_nth_unstable(half).1 } else { 0 };
        PlacedNotes { value_uses: self.uses.take(), expiring, half_life, turn: 0 }
    }

    /// Whether there are no such values.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == HEADER_BYTES as u64
    }

    /// The number of the file.
    pub(crate) fn file(&self) -> u64 {
        self.file
    }

    /// Which values go there, and how they are compressed.
    pub(crate) fn rules(&self) -> &ValueRules {
        &self.rules
    }
}

/// A value that goes to a value file.
enum Large<'a> {
    Inline(Cow<'a, [u8]>),
    /// It was found to be a large one when it was committed.
    Packed(PackedValue<'a>),
    /// The same, and to become no smaller when it is compressed.
    Incompressible(&'a [u8]),
    Stored(ValueReference),
}

impl<'a> Large<'a> {
    /// That of an entry, if it has one.
    fn of(entry: &EntryRef<'a>, threshold: usize) -> Result<Option<Self>, Error> {
        let (is_stored, value) = match entry.kind {
            Kind::Delete => return Ok(None),
            Kind::Put => (false, entry.value),
            Kind::Stored => (true, entry.value),
            Kind::Marked => match Marked::decode(entry.value)? {
                Marked::Expiring { is_stored, content, .. } => (is_stored, content),
                Marked::Packed { pieces } => return Ok(Some(Large::Packed(PackedValue::new(pieces)))),
                Marked::Incompressible { content } => return Ok(Some(Large::Incompressible(content))),
                Marked::Short { stored } => {
                    let value = ShortValue::unpack_if_from(stored, threshold);
                    return Ok(value.map(|value| Large::Inline(value.into())));
                }
                Marked::Operand { .. } | Marked::Filtered(_) => return Ok(None),
            },
        };
        if is_stored {
            return Ok(Some(Large::Stored(ValueReference::decode(value)?)));
        }
        Ok((value.len() >= threshold).then_some(Large::Inline(value.into())))
    }
}

/// The reference in an entry to a value file, if it has one.
///
/// # Errors
/// [`Error::Corrupt`] for a malformed one.
pub(crate) fn reference_of(entry: &EntryRef<'_>) -> Result<Option<ValueReference>, Error> {
    match Large::of(entry, usize::MAX)? {
        Some(Large::Stored(reference)) => Ok(Some(reference)),
        Some(Large::Inline(_) | Large::Packed(_) | Large::Incompressible(_)) | None => Ok(None),
    }
}

/// Writes the file that was planned, from the same entries.
#[derive(Debug)]
pub(crate) struct ValueCopy {
    writer: ValueFileWriter,
    rules: ValueRules,
}

impl ValueCopy {
    /// Writes the file of this number into `blob`, which is empty.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn new(
        blob: Box<dyn BlobWriter>,
        file: u64,
        rules: ValueRules,
        encryption: Option<&Encryption>,
    ) -> Result<Self, Error> {
        let key = crate::encryption::new_file_key(encryption, identity(file), || blob_name(file))?;
        Ok(ValueCopy { writer: ValueFileWriter::new(blob, file, key)?, rules })
    }

    /// Adds the value of an entry if it is a large one; `open` finds the files of those in value files.
    ///
    /// # Errors
    /// Failure of a storage; damage.
    pub(crate) fn add(
        &mut self,
        entry: &EntryRef<'_>,
        open: impl FnOnce(u64) -> Result<Arc<ValueFile>, Error>,
    ) -> Result<(), Error> {
        let (threshold, compression) = self.rules.of(entry.user_key);
        match Large::of(entry, threshold)? {
            Some(Large::Stored(reference)) => {
                self.writer.append_copy(&*open(reference.file)?, reference)?;
            }
            Some(Large::Inline(value)) => {
                self.writer.append(&value, compression)?;
            }
            Some(Large::Incompressible(value)) => {
                self.writer.append(value, Compression::None)?;
            }
            Some(Large::Packed(value)) => {
                self.writer.append_packed(value)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Seals the file, which must have become as long as was planned.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn finish(self, planned: &PlannedValues) -> Result<(), Error> {
        if self.writer.position() != planned.end {
            let what = "what was read changed while it was copied";
            return Err(Error::corrupt("a file of values", self.writer.position(), what));
        }
        self.writer.seal().map(drop)
    }
}
