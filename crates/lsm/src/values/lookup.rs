//! From an entry to its value, wherever that lies.

use std::sync::Arc;

use super::file::ValueFile;
use super::reader::ValueReader;
use super::reference::ValueReference;
use super::short::ShortValue;
use crate::database::Core;
use crate::entry::{EntryRef, Kind, Marked};
use crate::merging::Visibility;
use crate::snapshot::SnapshotGuard;
use crate::{Error, Value};

/// What a source says of a key that is present.
#[derive(Debug)]
pub(crate) enum Found<V = Value> {
    /// Its value.
    Inline(V),
    /// Where its value lies.
    Stored(ValueReference),
    /// What its value is has to be found out.
    Marked,
}

/// What is said by the marked `value` of an entry.
fn of_marked<V>(value: &[u8], read: impl FnOnce(&[u8]) -> V) -> Result<Option<Found<V>>, Error> {
    match Marked::short(value) {
        Some(stored) => Ok(Some(Found::Inline(ShortValue::new(stored)?.with(read)?))),
        None => Ok(Some(Found::Marked)),
    }
}

/// The value of an entry that is put and has it with its key, in `unpacked` if it is a short one that was made smaller;
/// `None` of all others, and where that is damaged.
#[inline]
pub(crate) fn plain_value<'a>(entry: &EntryRef<'a>, unpacked: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match entry.kind {
        Kind::Put => Some(entry.value),
        Kind::Marked => ShortValue::new(Marked::short(entry.value)?).ok()?.unpack_to(unpacked).ok(),
        Kind::Delete | Kind::Stored => None,
    }
}

impl Found {
    /// What an entry says of its key: nothing if it deletes it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a malformed reference.
    #[inline]
    pub(crate) fn of(entry: &EntryRef<'_>) -> Result<Option<Found>, Error> {
        Found::of_with(entry, |bytes| Value::from(bytes))
    }
}

impl<V> Found<V> {
    /// What an entry says of its key, with what `value` makes of the bytes of its value: nothing if it deletes it.
    ///
    /// # Errors
    /// As [`Found::of`].
    #[inline]
    pub(crate) fn of_with(
        entry: &EntryRef<'_>,
        value: impl FnOnce(&[u8]) -> V,
    ) -> Result<Option<Found<V>>, Error> {
        match entry.kind {
            Kind::Put => Ok(Some(Found::Inline(value(entry.value)))),
            Kind::Delete => Ok(None),
            Kind::Stored => Ok(Some(Found::Stored(ValueReference::decode(entry.value)?))),
            Kind::Marked => of_marked(entry.value, value),
        }
    }
}

/// A value that can be read however long ago it was overwritten.
#[derive(Debug)]
pub(crate) enum Located {
    Inline(Value),
    Stored(Arc<ValueFile>, ValueReference),
}

impl Located {
    /// All of the value.
    pub(crate) fn load(self) -> Result<Value, Error> {
        match self {
            Located::Inline(value) => Ok(value),
            Located::Stored(file, reference) => Ok(Value::from(file.read(reference)?)),
        }
    }

    /// The value a piece at a time.
    pub(crate) fn into_reader(self) -> ValueReader {
        ValueReader::new(self)
    }
}

/// Which reference led to a file that was gone. A reference may be overtaken: between the time it was found and the
/// time its file is asked for, what it stood in was flushed or merged, and the value overwritten or moved. Then the
/// key is looked up anew. What leads nowhere twice is damage.
#[derive(Debug, Default)]
pub(crate) struct Overtaken(Option<ValueReference>);

impl Overtaken {
    /// Notes that `reference` led nowhere.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it did so before.
    pub(crate) fn note(&mut self, reference: ValueReference) -> Result<(), Error> {
        if self.0.replace(reference) == Some(reference) {
            let what = format!("it refers to value file {}, which is not in use", reference.file);
            return Err(Error::corrupt("an entry", 0, what));
        }
        Ok(())
    }
}

impl Core {
    /// The value of a stored key that a reader sees; at present if none is given.
    pub(crate) fn look_up(&self, key: &[u8], at: Option<&SnapshotGuard>) -> Result<Option<Located>, Error> {
        let mut overtaken = Overtaken::default();
        loop {
            let view = self.brief_view();
            // Taken after the view: whatever merges had left out of its layers is older than this.
            let visibility = Visibility::at(at.map_or_else(|| self.published(), SnapshotGuard::sequence));
            let reference = match view.get(key, visibility)? {
                None => return Ok(None),
                Some(Found::Inline(value)) => return Ok(Some(Located::Inline(value))),
                Some(Found::Stored(reference)) => reference,
                Some(Found::Marked) => {
                    // Taken after the view: merges that it shows are over.
                    let moment = at.map_or_else(|| self.moment(), SnapshotGuard::moment);
                    match self.resolve(&view, key, visibility, moment)? {
                        Ok(value) => return Ok(value.map(Located::Inline)),
                        Err(reference) => reference,
                    }
                }
            };
            if let Some(file) = self.values().find(reference.file) {
                return Ok(Some(Located::Stored(file, reference)));
            }
            overtaken.note(reference)?;
        }
    }

    /// Where a value lies whose file is kept by whoever asks.
    pub(crate) fn locate_kept(&self, found: Found) -> Result<Located, Error> {
        match found {
            Found::Inline(value) => Ok(Located::Inline(value)),
            Found::Stored(reference) => Ok(Located::Stored(self.values().open(reference.file)?, reference)),
            Found::Marked => Err(Error::corrupt(
                "a transaction",
                0,
                "a marked value among its own writes, which are plain",
            )),
        }
    }

    /// The value of a stored key at a snapshot, read as a whole; at present if none is given.
    pub(crate) fn get(&self, key: &[u8], at: Option<&SnapshotGuard>) -> Result<Option<Value>, Error> {
        self.look_up(key, at)?.map(Located::load).transpose()
    }

    /// What `read` makes of the value of a stored key at a snapshot; at present if none is given.
    pub(crate) fn get_with<R>(
        &self,
        key: &[u8],
        at: Option<&SnapshotGuard>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        let mut read = Some(read);
        let mut read_once = |bytes: &[u8]| read.take().map(|read| read(bytes));
        let view = self.brief_view();
        // Taken after the view, as above.
        let visibility = Visibility::at(at.map_or_else(|| self.published(), SnapshotGuard::sequence));
        match view.get_with(key, visibility, &mut read_once)? {
            None => Ok(None),
            Some(Found::Inline(answer)) => Ok(answer),
            Some(Found::Stored(_) | Found::Marked) => {
                drop(view);
                Ok(self.get(key, at)?.and_then(|value| read_once(&value)))
            }
        }
    }
}
