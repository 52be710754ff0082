//! Writes a dictionary file in one pass over its entries.

use core::marker::PhantomData;
use std::path::Path;

use crate::mapped::container::{ContainerWriter, Header, SectionKind};
use crate::mapped::error::show;
use crate::mapped::{MappedError, Pod};
use crate::{CostModelPolicy, IndexBuilder, Key, Policy};

/// Builds a [`Dictionary`](super::Dictionary) from entries pushed in the order of their keys.
///
/// The file grows under a temporary name in the folder of its target, `.NAME.building`, and takes the
/// target's name, in place of a file that has it, when [`finish`](Self::finish) has synced it. Until then,
/// and after any error, whatever had the name is untouched; whoever has that mapped keeps it. A builder that is
/// dropped leaves nothing; one whose process dies leaves a temporary file that the next build of the same
/// target takes over.
///
/// Memory: 2 MiB of buffers, 8 bytes for each 4096 bytes of keys and values (a checksum a page), and the layers
/// that the policy considers ([`IndexBuilder`]). On disk the smaller of keys and values is written twice, first
/// to `.NAME.building-1`, since it is not known before the end where it belongs.
#[derive(Debug)]
pub struct DictionaryBuilder<K, V, P = CostModelPolicy> {
    writer: ContainerWriter<2>,
    index: IndexBuilder<K, P>,
    value: PhantomData<fn(V)>,
}

impl<K: Key, V: Pod> DictionaryBuilder<K, V> {
    /// Begins a dictionary whose index is chosen by the cost model.
    ///
    /// # Errors
    /// [`MappedError::Locked`] while another build of the same target goes on; [`MappedError::Io`].
    pub fn create(target: impl AsRef<Path>) -> Result<Self, MappedError> {
        Self::with_policy(target, CostModelPolicy::default())
    }
}

impl<K: Key, V: Pod, P: Policy> DictionaryBuilder<K, V, P> {
    /// Whether keys take more room than values, and so go where they stay.
    const KEYS_FIRST: bool = K::WIDTH >= size_of::<V>();
    const KEYS: usize = if Self::KEYS_FIRST { 0 } else { 1 };
    const VALUES: usize = 1 - Self::KEYS;

    /// Begins a dictionary whose index is chosen by `policy`.
    ///
    /// # Errors
    /// As [`create`](DictionaryBuilder::create); also [`MappedError::Build`] if the policy considers no layer.
    pub fn with_policy(target: impl AsRef<Path>, policy: P) -> Result<Self, MappedError> {
        let target = target.as_ref();
        let index = IndexBuilder::new(policy).map_err(|source| failed(target, source))?;
        let mut kinds = [SectionKind::Keys, SectionKind::Values];
        if !Self::KEYS_FIRST {
            kinds.reverse();
        }
        Ok(Self { writer: ContainerWriter::create(target, kinds)?, index, value: PhantomData })
    }

    /// Adds the next entry. A key may be pushed again; entries with equal keys keep their order.
    ///
    /// # Errors
    /// [`MappedError::Build`] if the key is smaller than the one before; it is not taken, and the builder can go
    /// on. [`MappedError::Io`], for one when the disk is full; then the build is lost.
    #[inline]
    pub fn push(&mut self, key: K, value: V) -> Result<(), MappedError> {
        self.index.push(key).map_err(|source| failed(self.writer.target(), source))?;
        self.writer.push(Self::KEYS, |bytes| key.write(bytes))?;
        self.writer.push(Self::VALUES, |bytes| bytes.extend_from_slice(bytemuck::bytes_of(&value)))
    }

    /// How many entries were pushed.
    pub fn len(&self) -> usize {
        self.index.key_count()
    }

    /// Whether no entry was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the index, syncs the file and puts it under its name; returns its length in bytes.
    ///
    /// # Errors
    /// [`MappedError::Io`], [`MappedError::Abandoned`] after an error of [`push`](Self::push) that lost the
    /// build, [`MappedError::Build`] if the policy chooses what it was not offered. The name then still has
    /// what it had before.
    pub fn finish(self) -> Result<u64, MappedError> {
        let count = self.len() as u64;
        let index = self.index.finish().map_err(|source| failed(self.writer.target(), source))?;
        let value_size = size_of::<V>() as u32;
        self.writer.finish(Header::new(K::TYPE_CODE, value_size, count), &index.to_bytes())
    }
}

fn failed(target: &Path, source: crate::Error) -> MappedError {
    MappedError::Build { place: show(target), source }
}
