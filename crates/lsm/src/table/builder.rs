//! Writes a table, front to back, into anything that takes bytes.

use std::cmp::Ordering;

use stroma_strata::encryption::{FileCipher, FileIdentity, NewFileKey};
use stroma_strata::key_head;
use stroma_strata::storage::BlobWriter;

use super::footer::{Footer, MAGIC, Section, header};
use super::held::{Decision, HeldBlocks};
use super::index::IndexBuilder;
use super::options::TableOptions;
use super::properties::Properties;
use crate::Error;
use crate::block::{BlockBuilder, Compression, Compressor, frame};
use crate::entry::{
    EntryRef, MAX_KEY_BYTES, MAX_MARK_BYTES, MAX_SEQUENCE, MAX_VALUE_BYTES, Sequence, copy_key,
};
use crate::filter::key_hash;
use crate::keyspace::number_of;
use crate::tombstones::RangeTombstones;

/// The longest block asked for, in bytes; with a longest value it stays under 4 GiB.
const MOST_BLOCK_BYTES: usize = 256 << 10;

/// Where a table's bytes go.
pub(crate) trait TableSink {
    /// Why bytes are not taken; the builder's own errors become it, too.
    type Error: From<Error>;

    /// Adds bytes at the end.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The number in the name of the file, with which all of it is authenticated.
    fn number(&self) -> u64 {
        0
    }
}

impl<S: TableSink + ?Sized> TableSink for &mut S {
    type Error = S::Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        (**self).write_all(bytes)
    }

    fn number(&self) -> u64 {
        (**self).number()
    }
}

impl TableSink for Vec<u8> {
    type Error = Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl TableSink for dyn BlobWriter {
    type Error = Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(BlobWriter::write_all(self, bytes)?)
    }
}

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct TableSummary {
    /// The length of the file in bytes.
    pub(crate) file_bytes: u64,
    /// What the table says about itself.
    pub(crate) properties: Properties,
}

/// A table being written.
pub(crate) struct TableBuilder<S> {
    sink: S,
    options: TableOptions,
    /// What it is encrypted with, if it is.
    key: Option<NewFileKey>,
    /// Bytes given to the sink.
    position: u64,
    block: BlockBuilder,
    compressor: Compressor,
    /// Blocks that wait until it is decided whether they get a dictionary.
    held: Option<HeldBlocks>,
    /// What was decided; empty without one.
    dictionary: Vec<u8>,
    /// The keyspace of the last entry, where there are some whose blocks are not as the others'.
    keyspace: Option<u32>,
    /// Where a block of it ends, in bytes, and how it is compressed where that is not as the others.
    block_bytes: usize,
    apart: Option<Compression>,
    /// What was used last to compress blocks in another way than the others.
    apart_compressor: Option<(Compression, Compressor)>,
    /// The stored form of the last block; kept for its memory.
    stored: Vec<u8>,
    index: IndexBuilder,
    hashes: Vec<u64>,
    properties: Properties,
    last_key: Vec<u8>,
    /// Its head.
    last_head: u128,
    last_sequence: Sequence,
    /// A block was ended, and the separator after it waits for the next key.
    separator_due: bool,
}

impl<S: TableSink> TableBuilder<S> {
    /// Starts a table in `sink`, which must be empty.
    pub(crate) fn new(mut sink: S, options: TableOptions) -> Result<Self, S::Error> {
        let number = sink.number();
        let key = crate::encryption::new_file_key(options.encryption.as_ref(), identity(number), || {
            format!("table {number}")
        })?;
        let header = header();
        sink.write_all(&header)?;
        Ok(Self {
            sink,
            compressor: Compressor::new(options.compression),
            held: HeldBlocks::of(options.compression),
            dictionary: Vec::new(),
            keyspace: None,
            block_bytes: options.block_bytes.min(MOST_BLOCK_BYTES),
            apart: None,
            apart_compressor: None,
            options,
            key,
            position: header.len() as u64,
            block: BlockBuilder::default(),
            stored: Vec::new(),
            index: IndexBuilder::default(),
            hashes: Vec::new(),
            properties: Properties::default(),
            last_key: Vec::new(),
            last_head: 0,
            last_sequence: 0,
            separator_due: false,
        })
    }

    /// Adds an entry, which comes after all before it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a key or value beyond the limits, [`Error::Corrupt`] for an entry that does not
    /// come after the last, and what the sink answers. After an error the table cannot be finished.
    pub(crate) fn add(&mut self, entry: &EntryRef<'_>) -> Result<(), S::Error> {
        check_limits(entry)?;
        let head = key_head(entry.user_key);
        let Some(new_key) = self.is_new_key(entry, head) else {
            let what = "entries came out of order";
            return Err(Error::corrupt("a table being written", self.position, what).into());
        };
        let entry_bytes = entry.user_key.len() + entry.value.len();
        if !self.options.keyspaces.is_empty() {
            self.begin_keyspace(entry.user_key)?;
        }
        if entry_bytes >= self.block_bytes {
            // A large value gets a block of its own, so that its small neighbours can be read without it.
            self.end_block()?;
        }
        if std::mem::take(&mut self.separator_due) {
            self.index.separate((&self.last_key, self.last_sequence), entry.user_key);
        }
        if new_key {
            self.hashes.push(key_hash(entry.user_key));
            copy_key(&mut self.last_key, entry.user_key);
            self.last_head = head;
        }
        self.last_sequence = entry.sequence;
        self.properties.count(entry, new_key);
        let hash = self.hashes.last().copied().unwrap_or_default();
        self.block.add(entry, hash);
        if self.block.size_bytes() >= self.block_bytes { self.end_block() } else { Ok(()) }
    }

    /// Whether an entry, whose key has this head, is of another key than the last one; nothing if it does not come
    /// after that.
    #[inline]
    fn is_new_key(&self, entry: &EntryRef<'_>, head: u128) -> Option<bool> {
        if self.last_head < head || self.properties.entries == 0 {
            return Some(true);
        }
        match self.last_key.as_slice().cmp(entry.user_key) {
            Ordering::Less => Some(true),
            Ordering::Equal if entry.sequence < self.last_sequence => Some(false),
            _ => None,
        }
    }

    /// Before an entry of `key`: if its keyspace is another than that of the entry before, and its blocks are of
    /// another kind, ends the block.
    fn begin_keyspace(&mut self, key: &[u8]) -> Result<(), S::Error> {
        let keyspace = number_of(key);
        if keyspace == self.keyspace {
            return Ok(());
        }
        self.keyspace = keyspace;
        let storing = self.options.keyspaces.of(key);
        let told = storing.block_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let block_bytes = told.unwrap_or(self.options.block_bytes).min(MOST_BLOCK_BYTES);
        let apart = storing.compression().filter(|compression| *compression != self.options.compression);
        if (block_bytes, apart) != (self.block_bytes, self.apart) {
            self.end_block()?;
            (self.block_bytes, self.apart) = (block_bytes, apart);
        }
        Ok(())
    }

    /// Bytes of the file so far, the open block and those held back included.
    fn estimated_bytes(&self) -> u64 {
        let held = self.held.as_ref().map_or(0, HeldBlocks::bytes);
        self.position + (held + self.block.size_bytes()) as u64
    }

    /// Whether it is to end with the present user key, since it has so many bytes, or as many keys as there is memory
    /// for.
    pub(crate) fn is_full(&self, table_bytes: u64) -> bool {
        self.estimated_bytes() >= table_bytes
            || self.hashes.len() > self.options.key_memory / std::mem::size_of::<u64>()
    }

    /// The key added last.
    pub(crate) fn last_key(&self) -> Option<&[u8]> {
        (self.properties.entries > 0).then_some(&self.last_key)
    }

    fn end_block(&mut self) -> Result<(), S::Error> {
        if self.block.is_empty() {
            return Ok(());
        }
        let payload = self.block.finish();
        self.properties.payload_bytes += payload.len() as u64;
        self.separator_due = true;
        if let Some(held) = &mut self.held {
            let is_enough = held.add(payload, self.apart);
            self.index.end_block(0);
            self.block.clear();
            return if is_enough { self.write_held(false) } else { Ok(()) };
        }
        let cipher = self.key.as_ref().map(|key| (&key.cipher, self.position));
        let compressor = one_of(&mut self.compressor, &mut self.apart_compressor, self.apart);
        let tag = frame::seal(payload, compressor, cipher, &mut self.stored)?;
        self.properties.blocks.count(tag);
        self.block.clear();
        self.sink.write_all(&self.stored)?;
        self.position += self.stored.len() as u64;
        self.index.end_block(self.position);
        Ok(())
    }

    /// Decides on a dictionary and writes the blocks that waited for it. `is_whole` tells that none will follow.
    fn write_held(&mut self, is_whole: bool) -> Result<(), S::Error> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let Decision { compressor, dictionary } = held.decide(self.options.compression, is_whole);
        (self.compressor, self.dictionary) = (compressor, dictionary);
        for (block, (payload, apart)) in held.payloads().enumerate() {
            let cipher = self.key.as_ref().map(|key| (&key.cipher, self.position));
            let compressor = one_of(&mut self.compressor, &mut self.apart_compressor, apart);
            let tag = frame::seal(payload, compressor, cipher, &mut self.stored)?;
            self.properties.blocks.count(tag);
            self.sink.write_all(&self.stored)?;
            self.position += self.stored.len() as u64;
            self.index.place_block(block, self.position);
        }
        Ok(())
    }

    /// Writes the range tombstones and everything about the table, and tells what it is. The caller seals the
    /// sink.
    pub(crate) fn finish(self, tombstones: &RangeTombstones) -> Result<TableSummary, S::Error> {
        Ok(self.finish_into_sink(tombstones)?.0)
    }

    /// The same; gives the sink back.
    pub(crate) fn finish_into_sink(
        mut self,
        tombstones: &RangeTombstones,
    ) -> Result<(TableSummary, S), S::Error> {
        self.end_block()?;
        self.write_held(true)?;
        self.account_for(tombstones);
        let block_count = self.index.block_count();
        let mut tombstone_bytes = Vec::new();
        tombstones.encode(&mut tombstone_bytes);
        let tombstones = self.write_section(tombstone_bytes, &[])?;
        let (filter_kind, filter_bytes) = self.options.filter.build(&std::mem::take(&mut self.hashes));
        let filter = self.write_section(filter_bytes, &[])?;
        let finished = std::mem::take(&mut self.index).finish(self.options.index)?;
        let index = self.write_section(finished.bytes, &[])?;
        self.properties.index_explanation = finished.explanation;
        let dictionary = std::mem::take(&mut self.dictionary);
        let dictionary = self.write_section(dictionary, &[])?;
        let envelope = self.write_envelope()?;
        let mut footer = Footer {
            tombstones,
            filter,
            index,
            dictionary,
            envelope,
            properties: Section::of(self.position, &[]),
            block_count,
            filter_kind: filter_kind.code(),
            index_kind: finished.kind.code(),
        };
        footer.properties = self.write_section(self.properties.encode(), &footer.without_properties())?;
        let footer_bytes = footer.encode();
        self.sink.write_all(&footer_bytes)?;
        self.position += footer_bytes.len() as u64;
        Ok((TableSummary { file_bytes: self.position, properties: self.properties }, self.sink))
    }

    /// Writes a section, encrypted if the table is and there is anything in it; `context` is authenticated with it.
    fn write_section(&mut self, mut bytes: Vec<u8>, context: &[u8]) -> Result<Section, S::Error> {
        if let Some(key) = self.key.as_ref().filter(|_| !bytes.is_empty()) {
            seal_section(&key.cipher, self.position, context, &mut bytes)?;
        }
        self.write_plain(&bytes)
    }

    fn write_envelope(&mut self) -> Result<Section, S::Error> {
        let envelope = self.key.as_mut().map(|key| std::mem::take(&mut key.envelope));
        self.write_plain(&envelope.unwrap_or_default())
    }

    fn write_plain(&mut self, bytes: &[u8]) -> Result<Section, S::Error> {
        let section = Section::of(self.position, bytes);
        self.sink.write_all(bytes)?;
        self.position = section.end();
        Ok(section)
    }

    /// Widens the properties' bounds to the entries' end and the range tombstones.
    fn account_for(&mut self, tombstones: &RangeTombstones) {
        let properties = &mut self.properties;
        properties.largest_key.clone_from(&self.last_key);
        let fragments = tombstones.fragments();
        properties.range_deletes = fragments.len() as u64;
        let (Some(first), Some(last)) = (fragments.first(), fragments.last()) else { return };
        let empty = properties.entries == 0;
        if empty || *first.start < properties.smallest_key[..] {
            properties.smallest_key = first.start.to_vec();
        }
        if empty || *last.last_key() > properties.largest_key[..] {
            properties.largest_key = last.last_key().to_vec();
        }
        let sequences = || fragments.iter().flat_map(|fragment| &fragment.sequences).copied();
        let (least, most) = (sequences().min().unwrap_or(0), sequences().max().unwrap_or(0));
        properties.smallest_sequence = if empty { least } else { least.min(properties.smallest_sequence) };
        properties.largest_sequence = most.max(properties.largest_sequence);
    }
}

/// What compresses a block: the table's compressor, or one made for what is to be `apart`, kept for the next.
fn one_of<'a>(
    usual: &'a mut Compressor,
    kept: &'a mut Option<(Compression, Compressor)>,
    apart: Option<Compression>,
) -> &'a mut Compressor {
    let Some(apart) = apart else { return usual };
    if kept.as_ref().is_none_or(|(compression, _)| *compression != apart) {
        *kept = None;
    }
    &mut kept.get_or_insert_with(|| (apart, Compressor::new(apart))).1
}

/// What is authenticated with everything in table `number`.
pub(super) fn identity(number: u64) -> FileIdentity {
    FileIdentity { magic: MAGIC, number }
}

fn seal_section(cipher: &FileCipher, offset: u64, context: &[u8], bytes: &mut Vec<u8>) -> Result<(), Error> {
    let length = bytes.len() as u64;
    cipher.seal_whole(offset, context, bytes).map_err(|_| Error::TooLarge {
        what: "section of a table",
        bytes: length,
        limit: 64 << 30,
    })
}

fn check_limits(entry: &EntryRef<'_>) -> Result<(), Error> {
    let too_large = |what, bytes: usize, limit: usize| {
        Err(Error::TooLarge { what, bytes: bytes as u64, limit: limit as u64 })
    };
    if entry.user_key.len() > MAX_KEY_BYTES {
        return too_large("key", entry.user_key.len(), MAX_KEY_BYTES);
    }
    if entry.value.len() > MAX_VALUE_BYTES + MAX_MARK_BYTES {
        return too_large("value", entry.value.len(), MAX_VALUE_BYTES);
    }
    debug_assert!(entry.sequence <= MAX_SEQUENCE, "sequences are 56 bits wide");
    Ok(())
}
