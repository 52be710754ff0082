//! The handle on the whole database: documents, sequence indexes, and the stage that joins them.

use std::path::Path;
use std::sync::Arc;

use stroma_document::Documents;
use stroma_document::store::LsmStore;
use stroma_sequence::{IndexOptions, SequenceIndex};

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::registry::Registry;
use crate::stage::SequenceSearchStage;

/// How a database is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether to make a database where there is none; otherwise that is [`Error::NoDatabase`](crate::Error).
    pub create: bool,
    /// How the storage engine of the documents runs.
    pub engine: stroma_lsm::Options,
}

impl Default for Options {
    /// Makes a database where there is none; the engine's defaults.
    fn default() -> Self {
        Options { create: true, engine: stroma_lsm::Options::default() }
    }
}

impl Options {
    /// Options that open only what is there.
    pub fn existing() -> Self {
        Options { create: false, ..Options::default() }
    }
}

/// A database in a folder: documents and sequence indexes in one handle.
///
/// One process at a time has it open; share the handle between threads. Dropping it closes the database.
#[derive(Debug)]
pub struct Stromatolite {
    documents: Documents,
    engine: stroma_lsm::Database,
    registry: Arc<Registry>,
    layout: Arc<Layout>,
}

impl Stromatolite {
    /// Opens the database in `folder`, which is locked until the handle is dropped.
    ///
    /// # Errors
    /// When there is none and none was to be made, when the folder holds something else, when another process has it
    /// open, when a later release wrote it, or when a part of it is damaged.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Stromatolite> {
        let layout = Arc::new(Layout::open(folder.as_ref(), options.create)?);
        let memory_bytes = options.engine.memory_bytes;
        let engine = stroma_lsm::Database::open(layout.documents(), options.engine)?;
        let store = LsmStore::new(engine.clone(), memory_bytes).map_err(stroma_document::Error::from)?;
        let documents = Documents::open(Arc::new(store), stroma_document::Options::default())?;
        let registry = Arc::new(Registry::new(Arc::clone(&layout)));
        let stage = SequenceSearchStage::new(Arc::clone(&registry));
        documents.register_source_stage("$sequenceSearch", Arc::new(stage));
        Ok(Stromatolite { documents, engine, registry, layout })
    }

    /// Writes what is in memory to sealed, checksummed tables and ends the background work of the documents.
    ///
    /// Dropping the handle loses nothing that was acknowledged either, but leaves the last writes in the log, where
    /// damage to the very last of them cannot be told from a write that a crash cut short. Call it when the work is
    /// done; afterwards the documents take no more writes.
    ///
    /// # Errors
    /// When the tables cannot be written; the log then still has everything.
    pub fn close(&self) -> Result<()> {
        Ok(self.engine.clone().close()?)
    }

    /// The folder of the database.
    pub fn folder(&self) -> &Path {
        self.layout.directory()
    }

    /// The documents: databases, collections, queries.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The storage engine under the documents, for its statistics, checks and merges.
    pub fn engine(&self) -> &stroma_lsm::Database {
        &self.engine
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The names of the sequence indexes, ascending.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sequence_indexes(&self) -> Result<Vec<String>> {
        self.registry.names()
    }

    /// The sequence index of this name.
    ///
    /// # Errors
    /// [`Error::UnknownIndex`](crate::Error::UnknownIndex) when there is none; an error of the index when it
    /// cannot be opened.
    pub fn sequence_index(&self, name: &str) -> Result<Arc<SequenceIndex>> {
        self.registry.get(name)
    }

    /// Makes a sequence index.
    ///
    /// # Errors
    /// When the name is taken or none, or the options make no sense;
    /// [`Error::NotEncryptable`](crate::Error::NotEncryptable) if the documents are encrypted.
    pub fn create_sequence_index(&self, name: &str, options: IndexOptions) -> Result<Arc<SequenceIndex>> {
        if self.engine.is_encrypted() {
            return Err(Error::NotEncryptable { name: name.to_owned() });
        }
        self.registry.create(name, options)
    }

    /// Removes a sequence index with all its samples. Handles given out before must not be used any more.
    ///
    /// # Errors
    /// When there is none of this name, or its files cannot be removed.
    pub fn remove_sequence_index(&self, name: &str) -> Result<()> {
        self.registry.remove(name)
    }
}
