//! Writes a dictionary of byte strings: spools the strings until their shared prefix is known.

use core::marker::PhantomData;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::lookup::KEY_TYPE;
use crate::mapped::container::{BuildFile, ContainerWriter, Header, SectionKind};
use crate::mapped::error::show;
use crate::mapped::{MappedError, Pod};
use crate::{CostModelPolicy, Head, IndexBuilder, Policy, PrefixedHead};

/// Bytes gathered before they are spooled.
const BUFFER_BYTES: usize = 1 << 20;

/// Builds a [`StringDictionary`](super::StringDictionary) from entries pushed in the order of their keys.
///
/// Names, locks, and what an interrupted build leaves are those of
/// [`DictionaryBuilder`](crate::mapped::DictionaryBuilder). What all keys begin with is known when the last one
/// has been pushed, and what is modelled comes after it; so the keys wait in a file of their own,
/// `.NAME.building-5`, and are read once again, in order, by [`finish`](Self::finish). Memory: 6 MiB of buffers,
/// 8 bytes for each 4096 bytes written, the layers that the policy considers, and three keys.
#[derive(Debug)]
pub struct StringDictionaryBuilder<V, P = CostModelPolicy> {
    writer: ContainerWriter<5>,
    index: IndexBuilder<u64, P>,
    spool: BuildFile,
    /// What is to be spooled next.
    buffer: Vec<u8>,
    first: Vec<u8>,
    last: Vec<u8>,
    count: u64,
    value: PhantomData<fn(V)>,
}

/// The sections, in the order they stand in the file.
const KINDS: [SectionKind; 5] =
    [SectionKind::Text, SectionKind::Heads, SectionKind::Ends, SectionKind::Values, SectionKind::Prefix];
const TEXT: usize = 0;
const HEADS: usize = 1;
const ENDS: usize = 2;
const VALUES: usize = 3;
const PREFIX: usize = 4;

impl<V: Pod> StringDictionaryBuilder<V> {
    /// Begins a dictionary whose index is chosen by the cost model.
    ///
    /// # Errors
    /// [`MappedError::Locked`] while another build of the same target goes on; [`MappedError::Io`].
    pub fn create(target: impl AsRef<Path>) -> Result<Self, MappedError> {
        Self::with_policy(target, CostModelPolicy::default())
    }
}

impl<V: Pod, P: Policy> StringDictionaryBuilder<V, P> {
    /// Begins a dictionary whose index is chosen by `policy`.
    ///
    /// # Errors
    /// As [`create`](StringDictionaryBuilder::create); also [`MappedError::Build`] if the policy considers no
    /// layer.
    pub fn with_policy(target: impl AsRef<Path>, policy: P) -> Result<Self, MappedError> {
        let target = target.as_ref();
        let failed = |source| MappedError::Build { place: show(target), source };
        Ok(Self {
            index: IndexBuilder::new(policy).map_err(failed)?,
            writer: ContainerWriter::create(target, KINDS)?,
            spool: BuildFile::create(target, KINDS.len())?,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            first: Vec::new(),
            last: Vec::new(),
            count: 0,
            value: PhantomData,
        })
    }

    /// Adds the next entry. A key may be pushed again; entries with equal keys keep their order.
    ///
    /// # Errors
    /// [`MappedError::Build`] if the key is smaller than the one before, or longer than 2^32 - 1 bytes; it is
    /// not taken, and the builder can go on. [`MappedError::Io`], for one when the disk is full; then the build is
    /// lost.
    pub fn push(&mut self, key: &[u8], value: V) -> Result<(), MappedError> {
        if key < &self.last[..] {
            return Err(self.failed(crate::Error::NotSorted { position: self.count as usize }));
        }
        let Ok(length) = u32::try_from(key.len()) else {
            let (value, largest) = (key.len() as u64, u64::from(u32::MAX));
            let source = crate::Error::BadParameter { name: "length of a key", value, smallest: 0, largest };
            return Err(self.failed(source));
        };
        self.writer.push(VALUES, |bytes| bytes.extend_from_slice(bytemuck::bytes_of(&value)))?;
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(key);
        if self.buffer.len() >= BUFFER_BYTES {
            let written = self.spool.write_all(&self.buffer);
            self.buffer.clear();
            written.map_err(|source| self.writer.give_up(source))?;
        }
        if self.count == 0 {
            self.first.extend_from_slice(key);
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.count += 1;
        Ok(())
    }

    /// How many entries were pushed.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether no entry was pushed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Strips the shared prefix, writes the index, syncs the file and puts it under its name; returns its length
    /// in bytes. Reads all keys again, O(their bytes).
    ///
    /// # Errors
    /// As [`DictionaryBuilder::finish`](crate::mapped::DictionaryBuilder::finish).
    pub fn finish(mut self) -> Result<u64, MappedError> {
        let written = self.spool.write_all(&self.buffer);
        written.map_err(|source| self.writer.give_up(source))?;
        let heads = PrefixedHead::new(&self.first, &self.last);
        self.writer.push(PREFIX, |bytes| bytes.extend_from_slice(heads.prefix()))?;
        self.copy_keys(&heads)?;
        let place = show(self.writer.target());
        let index = self.index.finish().map_err(|source| MappedError::Build { place, source })?;
        self.writer.finish(Header::new(KEY_TYPE, size_of::<V>() as u32, self.count), &index.to_bytes())
    }

    /// Moves the keys from the spool to where they belong.
    fn copy_keys(&mut self, heads: &PrefixedHead) -> Result<(), MappedError> {
        let rewound = self.spool.file().seek(SeekFrom::Start(0));
        rewound.map_err(|source| self.writer.give_up(source))?;
        let mut spooled = BufReader::with_capacity(BUFFER_BYTES, self.spool.file());
        let (mut key, mut end) = (Vec::new(), 0);
        for _ in 0..self.count {
            read_key(&mut spooled, &mut key).map_err(|source| self.writer.give_up(source))?;
            let (Some(rest), Head::Within(head)) = (key.strip_prefix(heads.prefix()), heads.head(&key))
            else {
                // All keys lie between the first and the last, so somebody else wrote to the spool.
                return Err(self.writer.give_up(io::ErrorKind::InvalidData.into()));
            };
            end += rest.len() as u64;
            self.writer.push(TEXT, |bytes| bytes.extend_from_slice(rest))?;
            self.writer.push(ENDS, |bytes| bytes.extend_from_slice(&end.to_le_bytes()))?;
            self.writer.push(HEADS, |bytes| bytes.extend_from_slice(&head.to_le_bytes()))?;
            let place = || show(self.writer.target());
            self.index.push(head).map_err(|source| MappedError::Build { place: place(), source })?;
        }
        Ok(())
    }

    fn failed(&self, source: crate::Error) -> MappedError {
        MappedError::Build { place: show(self.writer.target()), source }
    }
}

/// Reads a spooled key in place of what `key` holds.
fn read_key(spooled: &mut impl Read, key: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 4];
    spooled.read_exact(&mut length)?;
    key.resize(u32::from_le_bytes(length) as usize, 0);
    spooled.read_exact(key)
}
