//! An open table: what of it is kept in memory, and how its blocks are read.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use stroma_hybrid::prefetch;
use stroma_strata::encryption::{Encryption, FileCipher, MAX_ENVELOPE_BYTES, SEAL_BYTES, key_id_of};
use stroma_strata::storage::Blob;

use super::block_set::BlockSet;
use super::builder::identity;
use super::bytes::FileBytes;
use super::footer::{FOOTER_BYTES, Footer, HEADER_BYTES, Section};
use super::index::BlockIndex;
use super::properties::Properties;
use crate::Error;
use crate::block::{BlockView, Damage, Dictionary, MAX_DICTIONARY_BYTES, Tag, frame};
use crate::block_cache::{Caching, TableCache};
use crate::entry::{EntryRef, Sequence};
use crate::filter::FilterKind;
use crate::tombstones::RangeTombstones;

/// The sequence with which the entries of an ingested table are stored: the manifest says which it stands for.
pub(crate) const INGESTED_SEQUENCE: Sequence = 1;

/// So many bytes at the end of a block are asked for at once.
const END_BYTES: usize = 128;

/// So many bytes of the next block are asked for while one is walked.
const BEHIND_BYTES: usize = 512;

/// An open table. A clone is another handle to the same.
///
/// The footer, the index, the properties and the range tombstones are verified when it is opened; the filter
/// and, if the file is mapped, each block when it is first touched. Blocks of a file that is not mapped are
/// verified whenever they are read.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) blob: Arc<dyn Blob>,
    /// Where the file is, for errors.
    pub(super) file: String,
    pub(super) footer: Footer,
    /// Opens what is in it, if it is encrypted.
    pub(super) cipher: Option<FileCipher>,
    /// The name of the key then.
    pub(super) key_id: Option<String>,
    /// What it was opened with, to open it anew.
    pub(super) keys: TableKeys,
    pub(super) index: BlockIndex,
    pub(super) filter_kind: FilterKind,
    /// The sequence that its entries have if they were ingested: they are stored with [`INGESTED_SEQUENCE`] then.
    /// Else 0.
    pub(super) ingested_at: Sequence,
    properties: Properties,
    tombstones: Arc<RangeTombstones>,
    filter: OnceLock<FileBytes>,
    dictionary: OnceLock<Dictionary>,
    verified: BlockSet,
    /// Blocks that are read in place; found out when they are first touched.
    plain: BlockSet,
    /// Where the others are kept.
    cache: Option<TableCache>,
}

/// What it takes to open a table that is encrypted, or to refuse one that should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableKeys {
    /// The keys, if the database is encrypted.
    pub(crate) encryption: Option<Encryption>,
    /// The number in the file's name.
    pub(crate) number: u64,
}

/// A block's payload, ready for a [`BlockView`].
#[derive(Debug)]
pub(super) enum Payload {
    /// In place in the mapped file.
    InPlace(std::ops::Range<usize>),
    /// Read or decompressed.
    Copied(Vec<u8>),
}

impl Payload {
    /// Whether it was not copied.
    #[cfg(test)]
    pub(super) fn is_in_place(&self) -> bool {
        matches!(self, Self::InPlace(_))
    }
}

impl Table {
    /// Opens a sealed table that is not encrypted.
    ///
    /// # Errors
    /// As [`Table::open_with`].
    #[cfg_attr(not(test), allow(dead_code, reason = "tests are about plain tables, the engine has keys"))]
    pub(crate) fn open(blob: Arc<dyn Blob>) -> Result<Self, Error> {
        Self::open_with(blob, TableKeys::default(), None, 0)
    }

    /// Opens a sealed table whose blocks are kept in `cache` if they cannot be read in place. `ingested_at` is the
    /// sequence of all its entries if it was ingested, else 0.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but a whole table, [`Error::Unsupported`] for one of another format
    /// version, [`Error::Encryption`], and what the storage answers.
    pub(crate) fn open_with(
        blob: Arc<dyn Blob>,
        keys: TableKeys,
        cache: Option<TableCache>,
        ingested_at: Sequence,
    ) -> Result<Self, Error> {
        let file = blob.describe();
        let file_bytes = blob.len();
        if file_bytes < HEADER_BYTES + FOOTER_BYTES as u64 {
            return Err(Error::corrupt(&file, file_bytes, "it is too short for a table"));
        }
        let (mut header, mut footer) = ([0; HEADER_BYTES as usize], [0; FOOTER_BYTES]);
        blob.read_exact_at(0, &mut header)?;
        blob.read_exact_at(file_bytes - FOOTER_BYTES as u64, &mut footer)?;
        let footer = Footer::decode(&header, &footer, &file, file_bytes)?;
        let (cipher, key_id) = open_key(&*blob, &footer, &file, &keys)?;
        let place = Place { blob: &*blob, file: &file, cipher: cipher.as_ref() };
        let load = |section: &Section, what: &str| place.load(section, &[], what);
        let properties = place.load(&footer.properties, &footer.without_properties(), "properties")?;
        let properties = Properties::decode(properties.of(&*blob))
            .ok_or_else(|| Error::corrupt(&file, footer.properties.offset, "unreadable properties"))?;
        let mut tombstones = RangeTombstones::decode(
            load(&footer.tombstones, "range tombstones")?.of(&*blob),
        )
        .ok_or_else(|| Error::corrupt(&file, footer.tombstones.offset, "unreadable range tombstones"))?;
        if ingested_at > 0 {
            // What was written together is hidden by none of them.
            tombstones.retain(|sequences| *sequences = vec![ingested_at - 1]);
        }
        let index_bytes = load(&footer.index, "index")?;
        let data_end = footer.tombstones.offset;
        let index = BlockIndex::open(index_bytes, &*blob, footer.block_count, data_end, footer.index_kind)
            .map_err(|what| Error::corrupt(&file, footer.index.offset, what))?;
        let filter_kind = FilterKind::from_code(footer.filter_kind).ok_or_else(|| Error::Unsupported {
            file: file.clone(),
            what: format!("filter kind {}", footer.filter_kind),
        })?;
        let inner = Inner {
            verified: BlockSet::none_of(index.block_count()),
            plain: BlockSet::none_of(index.block_count()),
            filter: OnceLock::new(),
            dictionary: OnceLock::new(),
            tombstones: Arc::new(tombstones),
            blob,
            cipher,
            key_id,
            keys,
            file,
            footer,
            index,
            filter_kind,
            ingested_at,
            properties,
            cache,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the table says about itself.
    pub(crate) fn properties(&self) -> &Properties {
        &self.inner.properties
    }

    /// The name of its key, if it is encrypted.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.inner.key_id.as_deref()
    }

    /// The largest sequence in it, its range tombstones included.
    pub(crate) fn last_sequence(&self) -> Sequence {
        self.inner.properties.largest_sequence.max(self.inner.ingested_at)
    }

    /// Where its file is, for errors.
    pub(crate) fn place(&self) -> &str {
        &self.inner.file
    }

    /// Its range tombstones.
    pub(crate) fn tombstones(&self) -> &Arc<RangeTombstones> {
        &self.inner.tombstones
    }

    /// Memory it takes beside a mapped file, in bytes, about.
    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        let inner = &*self.inner;
        let filter = inner.filter.get().map_or(0, FileBytes::copied_bytes);
        size_of::<Inner>() + filter + inner.index.memory_bytes() + inner.index.block_count() / 4
    }
}

/// A table's file, and what opens it.
struct Place<'a> {
    blob: &'a dyn Blob,
    file: &'a str,
    cipher: Option<&'a FileCipher>,
}

impl Place<'_> {
    /// A section, its checksum verified, decrypted if it has to be.
    fn load(&self, section: &Section, context: &[u8], what: &str) -> Result<FileBytes, Error> {
        let bytes = FileBytes::load(self.blob, section.range())?;
        section.check(bytes.of(self.blob), self.file, what)?;
        match self.cipher.filter(|_| section.length > 0) {
            Some(cipher) => bytes.decrypted(self.blob, cipher, section.offset, context),
            None => Ok(bytes),
        }
    }
}

/// The cipher of a table and the name of its key; nothing if it is not encrypted.
fn open_key(
    blob: &dyn Blob,
    footer: &Footer,
    file: &str,
    keys: &TableKeys,
) -> Result<(Option<FileCipher>, Option<String>), Error> {
    let section = &footer.envelope;
    if section.length > MAX_ENVELOPE_BYTES as u64 {
        return Err(Error::corrupt(file, section.offset, "the envelope of its key is too long"));
    }
    let bytes = FileBytes::load(blob, section.range())?;
    let envelope = bytes.of(blob);
    section.check(envelope, file, "envelope of its key")?;
    let encryption = keys.encryption.as_ref();
    let cipher =
        crate::encryption::file_cipher(encryption, identity(keys.number), envelope, file, section.offset)?;
    Ok((cipher, key_id_of(envelope).map(str::to_owned)))
}

impl Inner {
    fn place(&self) -> Place<'_> {
        Place { blob: &*self.blob, file: &self.file, cipher: self.cipher.as_ref() }
    }

    /// The sequence as it is stored: that of a place in the order of entries, to look for.
    #[inline]
    pub(super) fn stored_sequence(&self, sequence: Sequence) -> Sequence {
        // Before the ingestion there is nothing; nothing is stored at 0.
        if sequence < self.ingested_at { 0 } else { sequence }
    }

    /// The entry as it is to be read.
    #[inline]
    pub(super) fn stamped<'a>(&self, entry: EntryRef<'a>) -> EntryRef<'a> {
        EntryRef { sequence: entry.sequence.max(self.ingested_at), ..entry }
    }

    /// The bytes of the filter, verified.
    #[inline]
    pub(super) fn filter(&self) -> Result<&[u8], Error> {
        let bytes = match self.filter.get() {
            Some(bytes) => bytes,
            None => self.load_filter()?,
        };
        Ok(bytes.of(&*self.blob))
    }

    #[cold]
    fn load_filter(&self) -> Result<&FileBytes, Error> {
        let bytes = self.place().load(&self.footer.filter, &[], "filter")?;
        Ok(self.filter.get_or_init(|| bytes))
    }

    /// The dictionary of its blocks, verified.
    fn dictionary(&self) -> Result<&Dictionary, Error> {
        match self.dictionary.get() {
            Some(dictionary) => Ok(dictionary),
            None => self.load_dictionary(),
        }
    }

    #[cold]
    fn load_dictionary(&self) -> Result<&Dictionary, Error> {
        let section = &self.footer.dictionary;
        let damaged = || Error::corrupt(&self.file, section.offset, "an unusable dictionary");
        // A block asked for one, so it is not empty.
        if section.length == 0 || section.length > MAX_DICTIONARY_BYTES + SEAL_BYTES as u64 {
            return Err(damaged());
        }
        let bytes = self.place().load(section, &[], "dictionary")?;
        let dictionary = Dictionary::new(bytes.of(&*self.blob)).ok_or_else(damaged)?;
        Ok(self.dictionary.get_or_init(|| dictionary))
    }

    /// The payload of a block, its checksum verified.
    pub(super) fn payload(&self, block: usize, caching: Caching) -> Result<Payload, Error> {
        let cache = self.cache.as_ref().filter(|_| caching == Caching::Use);
        if let Some(cache) = cache
            && !self.plain.contains(block)
            && let Some(payload) = cache.copy(block)
        {
            return Ok(Payload::Copied(payload));
        }
        self.make_payload(block, cache)
    }

    /// Hands the payload of a block, its checksum verified, to `read`: in the file or in the cache if it is there.
    pub(super) fn read_block<R>(
        &self,
        block: usize,
        read: impl FnOnce(BlockView<'_>) -> Result<R, Damage>,
    ) -> Result<R, Error> {
        if let Some(payload) = self.plain_payload(block) {
            // Tags and restart points, for which only the count at the very end tells where they are.
            prefetch(&payload[payload.len().saturating_sub(END_BYTES)..]);
            let outcome = BlockView::new(payload).and_then(read);
            return outcome.map_err(|damage| self.damaged(block, damage));
        }
        let mut read = Some(read);
        // Called once: `take` gives the function to whichever place has the block.
        let mut read_once = |payload: &[u8]| {
            let read = read.take()?;
            Some(BlockView::new(payload).and_then(read))
        };
        let cache = self.cache.as_ref();
        let cached = cache.and_then(|cache| cache.read(block, &mut read_once).flatten());
        let outcome = match cached {
            Some(outcome) => Some(outcome),
            None => read_once(self.bytes(&self.make_payload(block, cache)?)),
        };
        let missing = Err(Damage("a block that was asked for twice"));
        outcome.unwrap_or(missing).map_err(|damage| self.damaged(block, damage))
    }

    /// The payload of a block that was found to be one to read in place, its checksum right.
    #[inline]
    fn plain_payload(&self, block: usize) -> Option<&[u8]> {
        if !self.plain.contains(block) {
            return None;
        }
        let range = self.index.block_range(&*self.blob, block);
        self.blob.mapped()?.get(range.start as usize..range.end as usize - frame::TRAILER_BYTES)
    }

    /// A block that is read in place, its checksum verified; nothing if it is not one.
    #[inline]
    pub(super) fn view_in_place(&self, block: usize) -> Result<Option<BlockView<'_>>, Error> {
        let payload = match self.plain_payload(block) {
            None if self.find_plain(block)? => self.plain_payload(block),
            found => found,
        };
        let Some(payload) = payload else { return Ok(None) };
        prefetch(&payload[payload.len().saturating_sub(END_BYTES)..]);
        self.prefetch_ends(block + 1);
        BlockView::new(payload).map(Some).map_err(|damage| self.damaged(block, damage))
    }

    /// Asks for the beginning of a block and for its end, where its entries are counted.
    #[inline]
    pub(super) fn prefetch_ends(&self, block: usize) {
        if block >= self.index.block_count() {
            return;
        }
        let range = self.index.block_range(&*self.blob, block);
        let range = range.start as usize..range.end as usize;
        let Some(bytes) = self.blob.mapped().and_then(|mapped| mapped.get(range)) else { return };
        prefetch(&bytes[..bytes.len().min(BEHIND_BYTES)]);
        prefetch(&bytes[bytes.len().saturating_sub(END_BYTES)..]);
    }

    /// Whether a block is one to read in place, its checksum right, which is noted then.
    fn find_plain(&self, block: usize) -> Result<bool, Error> {
        if self.cipher.is_some() || self.blob.mapped().is_none() {
            return Ok(false);
        }
        let range = self.index.block_range(&*self.blob, block);
        let bytes = FileBytes::load(&*self.blob, range.clone())?;
        let stored = bytes.of(&*self.blob);
        if !self.verified.contains(block) {
            frame::verify(stored, &self.file, range.start)?;
            self.verified.insert(block);
        }
        let is_plain = frame::tag(&frame::open(stored, None, &self.file, range.start)?) == Some(Tag::NONE);
        if is_plain {
            self.plain.insert(block);
        }
        Ok(is_plain)
    }

    /// The payload of a block from the file. One that cannot be read in place is left in `cache`.
    fn make_payload(&self, block: usize, cache: Option<&TableCache>) -> Result<Payload, Error> {
        let range = self.index.block_range(&*self.blob, block);
        if self.find_plain(block)? {
            let end = range.end as usize - frame::TRAILER_BYTES;
            return Ok(Payload::InPlace(range.start as usize..end));
        }
        let offset = range.start;
        let bytes = FileBytes::load(&*self.blob, range)?;
        let stored = bytes.of(&*self.blob);
        let in_place = matches!(bytes, FileBytes::InPlace(_));
        if !in_place || !self.verified.contains(block) {
            frame::verify(stored, &self.file, offset)?;
            self.verified.insert(block);
        }
        let opened = frame::open(stored, self.cipher.as_ref(), &self.file, offset)?;
        let payload = match frame::payload(opened, || self.dictionary(), &self.file, offset)? {
            Cow::Owned(payload) => payload,
            Cow::Borrowed(payload) => {
                let length = payload.len();
                match bytes {
                    FileBytes::Copied(mut bytes) => {
                        bytes.truncate(length);
                        bytes
                    }
                    FileBytes::InPlace(_) => payload.to_vec(),
                }
            }
        };
        if let Some(cache) = cache {
            cache.keep(block, &payload);
        }
        Ok(Payload::Copied(payload))
    }

    /// Asks for the beginning of the block behind one that is read in place: what reads ahead by itself, in the
    /// processor, ends with the page.
    #[inline]
    pub(super) fn prefetch_behind(&self, payload: &Payload) {
        if let Payload::InPlace(range) = payload
            && let Some(mapped) = self.blob.mapped()
        {
            let end = range.end.saturating_add(BEHIND_BYTES).min(mapped.len());
            prefetch(mapped.get(range.end..end).unwrap_or_default());
        }
    }

    /// A payload's entries.
    #[inline]
    pub(super) fn view<'a>(&'a self, payload: &'a Payload) -> Result<BlockView<'a>, Damage> {
        BlockView::new(self.bytes(payload))
    }

    /// A payload's bytes.
    #[inline]
    pub(super) fn bytes<'a>(&'a self, payload: &'a Payload) -> &'a [u8] {
        match payload {
            Payload::InPlace(range) => {
                self.blob.mapped().and_then(|mapped| mapped.get(range.clone())).unwrap_or_default()
            }
            Payload::Copied(bytes) => bytes,
        }
    }

    /// The error for damage in a block whose checksum holds.
    #[cold]
    pub(super) fn damaged(&self, block: usize, damage: Damage) -> Error {
        Error::corrupt(&self.file, self.index.block_range(&*self.blob, block).start, damage.0)
    }
}
