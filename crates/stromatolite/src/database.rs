//! The handle on the whole database: documents, sequence indexes, and the stage that joins them.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use stroma_document::store::LsmStore;
use stroma_document::{Documents, Namespace};
use stroma_sequence::{IndexOptions, SequenceIndex};

use crate::error::Result;
use crate::layout::Layout;
use crate::registry::Registry;
use crate::stage::SequenceSearchStage;

/// How a database is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether to make a database where there is none; otherwise that is [`Error::NoDatabase`](crate::Error).
    pub create: bool,
    /// Whether to read only: as the database is now, without its lock, beside a process that may be writing it.
    /// Nothing is changed then, and every change is refused.
    pub read_only: bool,
    /// How the storage engine of the documents runs.
    pub engine: stroma_lsm::Options,
}

impl Default for Options {
    /// Makes a database where there is none; the engine's defaults.
    fn default() -> Self {
        Options { create: true, read_only: false, engine: stroma_lsm::Options::default() }
    }
}

impl Options {
    /// Options that open only what is there.
    pub fn existing() -> Self {
        Options { create: false, ..Options::default() }
    }

    /// Options that open what is there to read it. The memory is enough for what any writer with the default memory
    /// has in its log.
    pub fn reading() -> Self {
        let memory_bytes = READER_MEMORY_BYTES;
        let engine = stroma_lsm::Options { memory_bytes, ..stroma_lsm::Options::default() };
        Options { create: false, read_only: true, engine }
    }
}

/// What readers may take at most; a log has up to four times the writer's memory.
const READER_MEMORY_BYTES: usize = 1 << 30;

/// A database in a folder: documents and sequence indexes in one handle.
///
/// One process at a time has it open to write, any number [to read](Options::read_only); share the handle between
/// threads. Dropping it closes the database.
#[derive(Debug)]
pub struct Stromatolite {
    documents: Documents,
    engine: stroma_lsm::Database,
    registry: Arc<Registry>,
    layout: Arc<Layout>,
}

impl Stromatolite {
    /// Opens the database in `folder`, which is locked until the handle is dropped unless it is opened to be read. One
    /// to be read may also be in a file that [`export_into`](Stromatolite::export_into) wrote.
    ///
    /// # Errors
    /// When there is none and none was to be made, when the folder holds something else, when another process has it
    /// open, when a later release wrote it, or when a part of it is damaged.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Stromatolite> {
        let (memory_bytes, encryption) = (options.engine.memory_bytes, options.engine.encryption.clone());
        let (layout, engine) = if options.read_only {
            let layout = Layout::open_read_only(folder.as_ref(), encryption)?;
            let engine = stroma_lsm::Database::open_storage_read_only(layout.documents()?, options.engine)?;
            (Arc::new(layout), engine)
        } else {
            let layout = Layout::open(folder.as_ref(), options.create, encryption)?;
            let engine = stroma_lsm::Database::open_storage(layout.documents()?, options.engine)?;
            (Arc::new(layout), engine)
        };
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

    /// Merges what holds a collection and its indexes into one run of tables, level by level, and so frees what was
    /// deleted there; answers whether there is such a collection. Tables that reach over its ends are merged whole.
    ///
    /// # Errors
    /// Failure of the storage.
    pub fn compact_collection(&self, namespace: &Namespace) -> Result<bool> {
        let ranges = self.documents.collection(namespace).stored_ranges()?;
        let keyspace = self.engine.keyspace(LsmStore::KEYSPACE)?;
        for range in &ranges {
            let end = range.end.clone().map_or(Bound::Unbounded, Bound::Excluded);
            self.engine.compact_range(&keyspace, (Bound::Included(range.start.clone()), end))?;
        }
        Ok(!ranges.is_empty())
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

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
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
    /// When the name is taken or none, or the options make no sense.
    pub fn create_sequence_index(&self, name: &str, options: IndexOptions) -> Result<Arc<SequenceIndex>> {
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

#[cfg(test)]
mod tests {
    use bson::doc;
    use stroma_document::Find;
    use stroma_lsm::IfExists;
    use stroma_sequence::{Input, NoProgress};

    use super::*;
    use crate::Error;

    const GENOME: &str = ">g\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGC\n";

    fn documents(database: &Stromatolite) -> usize {
        let namespace = Namespace::parse("a.b").unwrap();
        let found = database.documents().collection(&namespace).find(&Find::new(doc! {})).unwrap();
        found.collect::<std::result::Result<Vec<_>, _>>().unwrap().len()
    }

    #[test]
    fn one_file_holds_documents_and_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shipped.stroma");
        let database = Stromatolite::open(folder.path().join("data"), Options::default()).unwrap();
        let collection = database.documents().collection(&Namespace::parse("a.b").unwrap());
        collection.insert_many(vec![doc! {"_id": 1}, doc! {"_id": 2}], true).unwrap();
        for name in ["g", "h"] {
            let index = database.create_sequence_index(name, IndexOptions::default()).unwrap();
            index.add_sample(name, vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();
        }
        database.export_into(&path, IfExists::Refuse).unwrap();
        assert!(database.export_into(&path, IfExists::Refuse).is_err());
        assert!(Stromatolite::open(&path, Options::existing()).is_err(), "not to be written");
        let shipped = Stromatolite::open(&path, Options::reading()).unwrap();
        assert_eq!(documents(&shipped), 2);
        assert_eq!(shipped.sequence_indexes().unwrap(), ["g", "h"]);
        assert_eq!(shipped.sequence_index("h").unwrap().samples()[0].name, "h");
        let report = shipped.check().unwrap();
        assert!(report.damaged.is_empty() && report.files >= 3, "{report:?}");

        let second = folder.path().join("second.stroma");
        shipped.export_into(&second, IfExists::Refuse).unwrap();
        assert_eq!(documents(&Stromatolite::open(&second, Options::reading()).unwrap()), 2);
        // A database without documents.
        database.engine().export_into(&path, IfExists::Replace).unwrap();
        let bare = Stromatolite::open(&path, Options::reading());
        assert!(matches!(bare, Err(Error::NotADatabase { .. })));
    }

    #[test]
    fn any_number_read_beside_the_one_that_writes() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Stromatolite::open(folder.path().join("none"), Options::reading());
        assert!(matches!(missing, Err(Error::NoDatabase { .. })));
        let writer = Stromatolite::open(folder.path(), Options::default()).unwrap();
        let collection = writer.documents().collection(&Namespace::parse("a.b").unwrap());
        collection.insert_many(vec![doc! {"_id": 1}, doc! {"_id": 2}], true).unwrap();
        let index = writer.create_sequence_index("g", IndexOptions::default()).unwrap();
        index.add_sample("A", vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();

        let reader = Stromatolite::open(folder.path(), Options::reading()).unwrap();
        let another = Stromatolite::open(folder.path(), Options::reading()).unwrap();
        collection.insert_many(vec![doc! {"_id": 3}], true).unwrap();
        assert_eq!((documents(&reader), documents(&another), documents(&writer)), (2, 2, 3));
        let samples = reader.sequence_index("g").unwrap();
        assert_eq!(samples.samples()[0].name, "A");
        assert!(reader.check().unwrap().damaged.is_empty());

        let mine = reader.documents().collection(&Namespace::parse("a.b").unwrap());
        let refused = mine.insert_many(vec![doc! {"_id": 9}], true);
        assert!(refused.is_err() || refused.is_ok_and(|outcome| !outcome.errors.is_empty()));
        assert!(samples.add_sample("B", vec![Input::bytes("b.fa", GENOME)], &NoProgress).is_err());
        assert!(reader.create_sequence_index("h", IndexOptions::default()).is_err());
        assert!(reader.remove_sequence_index("g").is_err());
        reader.close().unwrap();
        drop(reader);
        assert_eq!(documents(&writer), 3);
        assert!(writer.sequence_index("g").is_ok());
    }
}
