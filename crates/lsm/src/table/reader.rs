//! An open table: what of it is kept in memory, and how its blocks are read.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use stroma_strata::storage::Blob;

use super::block_set::BlockSet;
use super::bytes::FileBytes;
use super::footer::{FOOTER_BYTES, Footer, HEADER_BYTES, Section};
use super::index::BlockIndex;
use super::properties::Properties;
use crate::Error;
use crate::block::{BlockView, Damage, frame};
use crate::block_cache::{Caching, TableCache};
use crate::entry::{EntryRef, Sequence};
use crate::filter::FilterKind;
use crate::tombstones::RangeTombstones;

/// The sequence with which the entries of an ingested table are stored: the manifest says which it stands for.
pub(crate) const INGESTED_SEQUENCE: Sequence = 1;

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
    pub(super) index: BlockIndex,
    pub(super) filter_kind: FilterKind,
    /// The sequence that its entries have if they were ingested: they are stored with [`INGESTED_SEQUENCE`] then.
    /// Else 0.
    pub(super) ingested_at: Sequence,
    properties: Properties,
    tombstones: Arc<RangeTombstones>,
    filter: OnceLock<FileBytes>,
    verified: BlockSet,
    /// Blocks that are read in place; found out when they are first touched.
    plain: BlockSet,
    /// Where the others are kept.
    cache: Option<TableCache>,
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
    /// Opens a sealed table.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but a whole table, [`Error::Unsupported`] for one of another format
    /// version, and what the storage answers.
    pub(crate) fn open(blob: Arc<dyn Blob>) -> Result<Self, Error> {
        Self::open_with_cache(blob, None, 0)
    }

    /// Opens a sealed table whose blocks are kept in `cache` if they cannot be read in place. `ingested_at` is the
    /// sequence of all its entries if it was ingested, else 0.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub(crate) fn open_with_cache(
        blob: Arc<dyn Blob>,
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
        let load = |section: &Section, what: &str| -> Result<FileBytes, Error> {
            let bytes = FileBytes::load(&*blob, section.range())?;
            section.check(bytes.of(&*blob), &file, what)?;
            Ok(bytes)
        };
        let properties = Properties::decode(load(&footer.properties, "properties")?.of(&*blob))
            .ok_or_else(|| Error::corrupt(&file, footer.properties.offset, "unreadable properties"))?;
        let tombstones = RangeTombstones::decode(load(&footer.tombstones, "range tombstones")?.of(&*blob))
            .ok_or_else(|| Error::corrupt(&file, footer.tombstones.offset, "unreadable range tombstones"))?;
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
            tombstones: Arc::new(tombstones),
            blob,
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

impl Inner {
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
        let section = &self.footer.filter;
        let bytes = FileBytes::load(&*self.blob, section.range())?;
        section.check(bytes.of(&*self.blob), &self.file, "filter")?;
        Ok(self.filter.get_or_init(|| bytes))
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

    /// The payload of a block from the file. One that cannot be read in place is left in `cache`.
    fn make_payload(&self, block: usize, cache: Option<&TableCache>) -> Result<Payload, Error> {
        let range = self.index.block_range(&*self.blob, block);
        let offset = range.start;
        let bytes = FileBytes::load(&*self.blob, range.clone())?;
        let stored = bytes.of(&*self.blob);
        let in_place = matches!(bytes, FileBytes::InPlace(_));
        if !in_place || !self.verified.contains(block) {
            frame::verify(stored, &self.file, offset)?;
            self.verified.insert(block);
        }
        if let FileBytes::InPlace(range) = &bytes
            && frame::is_plain(stored)
        {
            self.plain.insert(block);
            return Ok(Payload::InPlace(range.start..range.end - frame::TRAILER_BYTES));
        }
        let payload = match frame::payload(stored, &self.file, offset)? {
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
