//! Writes a table, front to back, into anything that takes bytes.

use stroma_strata::storage::BlobWriter;

use super::footer::{Footer, Section, header};
use super::index::IndexBuilder;
use super::options::TableOptions;
use super::properties::Properties;
use crate::Error;
use crate::block::{BlockBuilder, frame};
use crate::entry::{EntryRef, MAX_KEY_BYTES, MAX_SEQUENCE, MAX_VALUE_BYTES, Sequence, compare};
use crate::filter::key_hash;
use crate::tombstones::RangeTombstones;

/// The longest block asked for, in bytes; with a longest value it stays under 4 GiB.
const MOST_BLOCK_BYTES: usize = 256 << 10;

/// Where a table's bytes go.
pub(crate) trait TableSink {
    /// Why bytes are not taken; the builder's own errors become it, too.
    type Error: From<Error>;

    /// Adds bytes at the end.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl<S: TableSink + ?Sized> TableSink for &mut S {
    type Error = S::Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        (**self).write_all(bytes)
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
    /// Bytes given to the sink.
    position: u64,
    block: BlockBuilder,
    /// The stored form of the last block; kept for its memory.
    stored: Vec<u8>,
    index: IndexBuilder,
    hashes: Vec<u64>,
    properties: Properties,
    last_key: Vec<u8>,
    last_sequence: Sequence,
    /// A block was ended, and the separator after it waits for the next key.
    separator_due: bool,
}

impl<S: TableSink> TableBuilder<S> {
    /// Starts a table in `sink`, which must be empty.
    pub(crate) fn new(mut sink: S, options: TableOptions) -> Result<Self, S::Error> {
        let header = header();
        sink.write_all(&header)?;
        Ok(Self {
            sink,
            options,
            position: header.len() as u64,
            block: BlockBuilder::default(),
            stored: Vec::new(),
            index: IndexBuilder::default(),
            hashes: Vec::new(),
            properties: Properties::default(),
            last_key: Vec::new(),
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
        let first = self.properties.entries == 0;
        if !first && !compare((&self.last_key, self.last_sequence), (entry.user_key, entry.sequence)).is_lt()
        {
            let what = "entries came out of order";
            return Err(Error::corrupt("a table being written", self.position, what).into());
        }
        let entry_bytes = entry.user_key.len() + entry.value.len();
        let block_bytes = self.options.block_bytes.min(MOST_BLOCK_BYTES);
        if entry_bytes >= block_bytes {
            // A large value gets a block of its own, so that its small neighbours can be read without it.
            self.end_block()?;
        }
        if std::mem::take(&mut self.separator_due) {
            self.index.separate((&self.last_key, self.last_sequence), entry.user_key);
        }
        let new_key = first || self.last_key != entry.user_key;
        if new_key {
            self.hashes.push(key_hash(entry.user_key));
            self.last_key.clear();
            self.last_key.extend_from_slice(entry.user_key);
        }
        self.last_sequence = entry.sequence;
        self.properties.count(entry, new_key);
        let hash = self.hashes.last().copied().unwrap_or_default();
        self.block.add(entry, hash);
        if self.block.size_bytes() >= block_bytes { self.end_block() } else { Ok(()) }
    }

    /// Bytes of the file so far, the open block included.
    pub(crate) fn estimated_bytes(&self) -> u64 {
        self.position + self.block.size_bytes() as u64
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
        frame::seal(payload, self.options.compression, &mut self.stored);
        self.block.clear();
        self.sink.write_all(&self.stored)?;
        self.position += self.stored.len() as u64;
        self.index.end_block(self.position);
        self.separator_due = true;
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
        self.account_for(tombstones);
        let block_count = self.index.block_count();
        let mut tombstone_bytes = Vec::new();
        tombstones.encode(&mut tombstone_bytes);
        let tombstones = self.write_section(&tombstone_bytes)?;
        let (filter_kind, filter_bytes) = self.options.filter.build(&std::mem::take(&mut self.hashes));
        let filter = self.write_section(&filter_bytes)?;
        let finished = std::mem::take(&mut self.index).finish(self.options.index)?;
        let index = self.write_section(&finished.bytes)?;
        self.properties.index_explanation = finished.explanation;
        let properties = self.write_section(&self.properties.encode())?;
        let footer = Footer {
            tombstones,
            filter,
            index,
            properties,
            block_count,
            filter_kind: filter_kind.code(),
            index_kind: finished.kind.code(),
        };
        let footer_bytes = footer.encode();
        self.sink.write_all(&footer_bytes)?;
        self.position += footer_bytes.len() as u64;
        Ok((TableSummary { file_bytes: self.position, properties: self.properties }, self.sink))
    }

    fn write_section(&mut self, bytes: &[u8]) -> Result<Section, S::Error> {
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

fn check_limits(entry: &EntryRef<'_>) -> Result<(), Error> {
    let too_large = |what, bytes: usize, limit: usize| {
        Err(Error::TooLarge { what, bytes: bytes as u64, limit: limit as u64 })
    };
    if entry.user_key.len() > MAX_KEY_BYTES {
        return too_large("key", entry.user_key.len(), MAX_KEY_BYTES);
    }
    if entry.value.len() > MAX_VALUE_BYTES {
        return too_large("value", entry.value.len(), MAX_VALUE_BYTES);
    }
    debug_assert!(entry.sequence <= MAX_SEQUENCE, "sequences are 56 bits wide");
    Ok(())
}
