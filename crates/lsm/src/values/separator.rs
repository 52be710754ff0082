//! Taking large values out of the entries that become a table, and moving those whose file is mostly dead.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reference::ValueReference;
use super::store::ValueStore;
use super::uses::ValueUse;
use super::writer::ValueFileWriter;
use crate::Error;
use crate::entry::{EntryRef, Kind};

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

/// Writes value files for one flush or merge. Unless it is [finished](ValueSeparator::finish) they go again.
#[derive(Debug)]
pub(crate) struct ValueSeparator {
    store: Arc<ValueStore>,
    /// Values at least this long are separated, in bytes.
    threshold: usize,
    writing: Option<ValueFileWriter>,
    sealed: Vec<u64>,
    uses: Uses,
    /// The encoded reference that was placed last.
    encoded: Vec<u8>,
}

impl ValueSeparator {
    pub(crate) fn new(store: Arc<ValueStore>, threshold: usize) -> Self {
        ValueSeparator {
            store,
            // An empty value has no place in a value file.
            threshold: threshold.max(1),
            writing: None,
            sealed: Vec::new(),
            uses: Uses::default(),
            encoded: Vec::new(),
        }
    }

    /// The entry as it is to stand in the table.
    ///
    /// # Errors
    /// Failure of the storage; damage in a value that has to be moved.
    pub(crate) fn place<'a>(&'a mut self, entry: EntryRef<'a>) -> Result<EntryRef<'a>, Error> {
        let reference = match entry.kind {
            Kind::Put if entry.value.len() >= self.threshold => {
                let reference = self.writer()?.append(entry.value)?;
                self.seal_if_long()?;
                reference
            }
            Kind::Stored => {
                let reference = ValueReference::decode(entry.value)?;
                let file = self.store.open(reference.file)?;
                if !self.store.is_to_be_emptied(&file) {
                    self.uses.add(reference);
                    return Ok(entry);
                }
                let moved = self.writer()?.append_copy(&file, reference)?;
                self.seal_if_long()?;
                moved
            }
            Kind::Put | Kind::Delete => return Ok(entry),
        };
        self.uses.add(reference);
        reference.encode(&mut self.encoded);
        Ok(EntryRef { kind: Kind::Stored, value: &self.encoded, ..entry })
    }

    /// What the table refers to that was placed since the last call.
    pub(crate) fn take_uses(&mut self) -> Vec<ValueUse> {
        self.uses.take()
    }

    /// Seals what was written; it is on the device when this returns.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        if let Some(writing) = self.writing.take() {
            self.store.seal(writing)?;
        }
        self.sealed.clear();
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut ValueFileWriter, Error> {
        match &mut self.writing {
            Some(writing) => Ok(writing),
            none => Ok(none.insert(self.store.create()?)),
        }
    }

    fn seal_if_long(&mut self) -> Result<(), Error> {
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
