//! Reads a whole table and checks that all its parts agree.

use std::ops::Range;

use stroma_strata::storage::{Blob, StorageError};

use super::compressed::CompressedBlocks;
use super::cursor::TableCursor;
use super::footer::{HEADER_BYTES, header};
use super::properties::Properties;
use super::reader::Table;
use crate::Error;
use crate::block::frame;
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::entry::compare;
use crate::filter::{self, Filter, key_hash};
use crate::tombstones::Fragment;

/// Bytes that are read at once, so that a file that is opened for each read is not opened for each block.
const READ_AT_ONCE: u64 = 256 << 10;

/// A part of a file in memory, to be read from its start to its end.
struct Stretch<'a> {
    blob: &'a dyn Blob,
    start: u64,
    bytes: Vec<u8>,
}

impl Stretch<'_> {
    fn read(&mut self, range: Range<u64>) -> Result<&[u8], StorageError> {
        let end = self.start + self.bytes.len() as u64;
        if range.start < self.start || range.end > end {
            let end = self.blob.len().min(range.start + READ_AT_ONCE).max(range.end);
            self.start = range.start;
            self.bytes.resize((end - range.start) as usize, 0);
            self.blob.read_exact_at(range.start, &mut self.bytes)?;
        }
        let at = (range.start - self.start) as usize;
        Ok(&self.bytes[at..at + (range.end - range.start) as usize])
    }
}

impl Table {
    /// Verifies every checksum, whatever was verified before, then that the entries ascend, that the filter
    /// and the index find each, and that the properties are true. Reads the file from end to end.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let blocks = self.verify_checksums()?;
        let mut cursor = self.cursor(Caching::Bypass);
        let mut counted = Properties { blocks, ..Properties::default() };
        let mut last: Option<(Vec<u8>, u64)> = None;
        let mut on = cursor.seek_first()?;
        while on {
            let entry = cursor.entry();
            let new_key = last.as_ref().is_none_or(|(key, _)| *key != entry.user_key);
            if let Some((key, sequence)) = &last
                && !compare((key, *sequence), (entry.user_key, entry.sequence)).is_lt()
            {
                return Err(self.damaged("the entries do not ascend"));
            }
            counted.count(&entry, new_key);
            if new_key {
                self.verify_key(&cursor)?;
            }
            let (key, sequence) = last.get_or_insert_default();
            key.clear();
            key.extend_from_slice(entry.user_key);
            *sequence = entry.sequence;
            on = cursor.next()?;
        }
        self.verify_properties(&counted, last.map(|(key, _)| key))
    }

    fn damaged(&self, what: &str) -> Error {
        Error::corrupt(&self.inner.file, HEADER_BYTES, what)
    }

    /// Every checksum; answers how the blocks are stored.
    fn verify_checksums(&self) -> Result<CompressedBlocks, Error> {
        let inner = &*self.inner;
        let mut bytes = vec![0; HEADER_BYTES as usize];
        inner.blob.read_exact_at(0, &mut bytes)?;
        if bytes != header() {
            return Err(Error::corrupt(&inner.file, 0, "it does not begin as a table does"));
        }
        // Opening anew reads the footer again, and the sections but the filter.
        Table::open_with(std::sync::Arc::clone(&inner.blob), inner.keys.clone(), None, 0)?;
        for section in inner.footer.sections() {
            bytes.resize(section.length as usize, 0);
            inner.blob.read_exact_at(section.offset, &mut bytes)?;
            section.check(&bytes, &inner.file, "section")?;
        }
        let mut stored = CompressedBlocks::default();
        let mut stretch = Stretch { blob: &*inner.blob, start: 0, bytes: Vec::new() };
        for block in 0..inner.index.block_count() {
            let range = inner.index.block_range(&*inner.blob, block);
            let bytes = stretch.read(range.clone())?;
            frame::verify(bytes, &inner.file, range.start)?;
            let opened = frame::open(bytes, inner.cipher.as_ref(), &inner.file, range.start)?;
            frame::tag(&opened).into_iter().for_each(|tag| stored.count(tag));
        }
        Ok(stored)
    }

    /// That the filter and the index find the entry the cursor stands on, the newest of its key.
    fn verify_key(&self, cursor: &TableCursor) -> Result<(), Error> {
        let inner = &*self.inner;
        let entry = cursor.entry();
        let filter = filter::open(inner.filter_kind, inner.filter()?)
            .ok_or_else(|| self.damaged("a filter that is not of its kind"))?;
        if !filter.may_contain(key_hash(entry.user_key)) {
            return Err(self.damaged("the filter denies a key that is there"));
        }
        if Some(inner.index.find(&*inner.blob, entry.user_key, entry.sequence)) != cursor.present_block() {
            return Err(self.damaged("the index leads to another block than that of a key"));
        }
        Ok(())
    }

    fn verify_properties(&self, counted: &Properties, last_key: Option<Vec<u8>>) -> Result<(), Error> {
        let told = self.properties();
        let numbers = |p: &Properties| (p.entries, p.deletes, p.keys, p.key_bytes, p.value_bytes, p.blocks);
        let fragments = self.tombstones().fragments();
        let first = fragments.first().map(|fragment| &*fragment.start);
        let last = fragments.last().map(Fragment::last_key);
        let smallest = (counted.entries > 0).then_some(&*counted.smallest_key).into_iter().chain(first).min();
        let largest = last_key.as_deref().into_iter().chain(last).max();
        let sound = numbers(told) == numbers(counted)
            && told.range_deletes == fragments.len() as u64
            && smallest.unwrap_or_default() == told.smallest_key
            && largest.unwrap_or_default() == told.largest_key;
        if sound { Ok(()) } else { Err(self.damaged("the properties contradict the entries")) }
    }
}
