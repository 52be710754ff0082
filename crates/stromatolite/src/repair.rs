//! Salvage of a damaged database: documents entry by entry, sequence indexes as wholes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stroma_document::store::LsmStore;
use stroma_document::{Documents, RecoveredCollections};
use stroma_lsm::{Database, Encryption};
use stroma_sequence::SequenceIndex;
use stroma_strata::SetOptions;
use stroma_strata::storage::{LocalStorage, ReadOnlyStorage, Storage, StorageError};

use crate::error::{Error, Result};
use crate::layout::{FORMAT_FILE, encrypted_index};
use crate::{Stromatolite, marker, registry};

/// The number of the keyspace that is made first.
const FIRST_KEYSPACE: u32 = 1;

/// What was kept of a damaged database, and what was not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// Where the new database is.
    pub repaired: PathBuf,
    /// Where the damaged one is.
    pub damaged: PathBuf,
    /// What became of the documents' store.
    pub documents: stroma_lsm::RepairReport,
    /// Collections whose names were lost, and the names that their documents are under now.
    pub collections: RecoveredCollections,
    /// The sequence indexes that are whole and were kept.
    pub kept_indexes: Vec<String>,
    /// Those that are not, each with what is wrong; their samples have to be added again.
    pub lost_indexes: Vec<(String, String)>,
}

impl RepairReport {
    /// Whether nothing was wrong.
    pub fn is_whole(&self) -> bool {
        self.documents.is_whole() && self.collections.is_empty() && self.lost_indexes.is_empty()
    }
}

impl Stromatolite {
    /// Writes what can be read of the damaged database in `folder` into a new one in `into`; the damaged one is not
    /// changed. Of documents, every whole part is kept; a sequence index is kept if all of it is whole. Collections
    /// whose names were lost are named `recovered.collection-` and their number.
    ///
    /// # Errors
    /// When there is no database, when a process has it open to write, when `into` holds something, when a later
    /// release wrote it, when something cannot be read at all or cannot be written.
    pub fn repair(
        folder: impl AsRef<Path>,
        into: impl AsRef<Path>,
        engine: stroma_lsm::Options,
    ) -> Result<RepairReport> {
        let (folder, into) = (folder.as_ref(), into.as_ref());
        let damaged = LocalStorage::open_existing(folder).map_err(|error| match error {
            StorageError::NotFound { place } => Error::NoDatabase { folder: place },
            error => error.into(),
        })?;
        // Keeps writers out; what cannot be locked because it cannot be written is not written either.
        let _lock = match damaged.lock() {
            Err(locked @ StorageError::Locked { .. }) => return Err(locked.into()),
            outcome => outcome.ok(),
        };
        crate::layout::check_free(into)?;
        let target = LocalStorage::open(into)?;
        let _target_lock = target.lock()?;
        let (documents, collections) = repair_documents(folder, into, engine.clone())?;
        let mut report = RepairReport {
            repaired: into.to_path_buf(),
            damaged: folder.to_path_buf(),
            documents,
            collections,
            kept_indexes: Vec::new(),
            lost_indexes: Vec::new(),
        };
        for name in index_names(folder, &damaged)? {
            match copy_index(folder, into, &name, engine.encryption.as_ref()) {
                Ok(()) => {
                    let entry = format!("{}/{name}", registry::FOLDER);
                    target.put_if_absent(&entry, marker::SEQUENCE_INDEX.line().as_bytes())?;
                    report.kept_indexes.push(name);
                }
                Err(what) => report.lost_indexes.push((name, what)),
            }
        }
        // Last, so that a repair that was interrupted is no database.
        target.put_if_absent(FORMAT_FILE, marker::DATABASE.line().as_bytes())?;
        Ok(report)
    }

    /// The same in the place of the damaged database, which is kept beside it: `NAME.damaged`.
    ///
    /// # Errors
    /// As [`Stromatolite::repair`]; when there is such a folder, or one named `NAME.repaired`, already.
    pub fn repair_in_place(folder: impl AsRef<Path>, engine: stroma_lsm::Options) -> Result<RepairReport> {
        let folder = folder.as_ref();
        let (aside, beside) = (with_ending(folder, "damaged"), with_ending(folder, "repaired"));
        for taken in [&aside, &beside] {
            if taken.exists() {
                return Err(StorageError::AlreadyExists { place: taken.display().to_string() }.into());
            }
        }
        let mut report = Stromatolite::repair(folder, &beside, engine)?;
        rename(folder, &aside)?;
        rename(&beside, folder)?;
        (report.repaired, report.damaged) = (folder.to_path_buf(), aside);
        Ok(report)
    }
}

/// Repairs the documents' store, then what of their own catalog was lost with it.
fn repair_documents(
    folder: &Path,
    into: &Path,
    engine: stroma_lsm::Options,
) -> Result<(stroma_lsm::RepairReport, RecoveredCollections)> {
    let into = into.join("documents");
    // Opening a database makes this keyspace before anybody gets the handle, so it is the first.
    let names = BTreeMap::from([(FIRST_KEYSPACE, LsmStore::KEYSPACE.to_owned())]);
    let report = Database::repair_knowing(folder.join("documents"), &into, engine.clone(), &names)?;
    if report.is_whole() {
        return Ok((report, RecoveredCollections::default()));
    }
    let memory_bytes = engine.memory_bytes;
    let repaired = Database::open(&into, engine)?;
    let store = LsmStore::new(repaired.clone(), memory_bytes).map_err(stroma_document::Error::from)?;
    let documents = Documents::open(Arc::new(store), stroma_document::Options::default())?;
    let collections = documents.recover_collections()?;
    drop(documents);
    repaired.close()?;
    Ok((report, collections))
}

/// The names of the indexes: by their entries, and by their folders, should an entry be lost.
#[expect(clippy::disallowed_methods, reason = "a folder is not a blob: storage has no notion of listing it")]
fn index_names(folder: &Path, damaged: &LocalStorage) -> Result<BTreeSet<String>> {
    let entries = damaged.list(registry::FOLDER)?;
    let mut names: BTreeSet<String> =
        entries.iter().filter_map(|entry| Some(entry.name.split_once('/')?.1.to_owned())).collect();
    if let Ok(folders) = std::fs::read_dir(folder.join("sequences")) {
        let with_layers = folders.flatten().filter(|folder| folder.path().join("layers").is_dir());
        names.extend(with_layers.map(|folder| folder.file_name().to_string_lossy().into_owned()));
    }
    names.retain(|name| registry::check_name(name).is_ok());
    Ok(names)
}

/// Copies an index that is whole; else answers why it is not.
fn copy_index(
    folder: &Path,
    into: &Path,
    name: &str,
    encryption: Option<&Encryption>,
) -> std::result::Result<(), String> {
    let over = |storage| encrypted_index(storage, encryption.cloned(), name);
    let place = folder.join("sequences").join(name);
    let storage = LocalStorage::open_existing(place).map_err(|error| error.to_string())?;
    let storage = Arc::new(over(Arc::new(ReadOnlyStorage::new(Arc::new(storage)))));
    let index =
        SequenceIndex::open_read_only(storage, SetOptions::default()).map_err(|error| error.to_string())?;
    let found = index.check();
    let damage =
        found.layers.into_iter().find_map(|layer| Some(format!("{}: {}", layer.place, layer.damage?)));
    if let Some(what) = damage.or_else(|| found.contradictions.into_iter().next()) {
        return Err(what);
    }
    let target = LocalStorage::open(into.join("sequences").join(name)).map_err(|error| error.to_string())?;
    index.export_into(&over(Arc::new(target))).map_err(|error| error.to_string())
}

fn with_ending(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    folder.with_file_name(name)
}

#[expect(clippy::disallowed_methods, reason = "a folder is not a blob: storage has no notion of renaming it")]
fn rename(from: &Path, to: &Path) -> Result<()> {
    let failed = |error| StorageError::from_io("rename", from.display().to_string(), error);
    Ok(std::fs::rename(from, to).map_err(failed)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests damage files by hand")]

    use bson::doc;
    use stroma_document::{Find, IndexModel, Namespace};
    use stroma_sequence::{IndexOptions, Input, NoProgress};

    use crate::{Options, Stromatolite};

    const GENOME: &str = ">g\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGC\n";

    #[test]
    fn what_is_whole_is_kept_and_the_damaged_database_moves_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let database = Stromatolite::open(&path, Options::default()).unwrap();
        let collection = database.documents().collection(&Namespace::parse("a.b").unwrap());
        collection.insert_many(vec![doc! {"_id": 1}, doc! {"_id": 2}], true).unwrap();
        for name in ["g", "h"] {
            let index = database.create_sequence_index(name, IndexOptions::default()).unwrap();
            index.add_sample(name, vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();
        }
        let engine = Options::default().engine;
        assert!(Stromatolite::repair_in_place(&path, engine.clone()).is_err(), "it is open");
        database.close().unwrap();
        drop((collection, database));
        for entry in std::fs::read_dir(path.join("documents/manifest")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let layer =
            std::fs::read_dir(path.join("sequences/h/layers")).unwrap().next().unwrap().unwrap().path();
        let bytes = std::fs::read(&layer).unwrap();
        std::fs::write(&layer, &bytes[..bytes.len() - 3]).unwrap();
        std::fs::remove_file(path.join("indexes/g")).unwrap();
        std::fs::remove_file(path.join("FORMAT")).unwrap();

        let report = Stromatolite::repair_in_place(&path, engine.clone()).unwrap();
        assert!(!report.is_whole() && !report.documents.manifest.is_empty());
        assert_eq!(report.kept_indexes, ["g"]);
        assert_eq!(report.lost_indexes.len(), 1);
        assert!(folder.path().join("data.damaged/documents").is_dir());
        assert!(Stromatolite::repair_in_place(&path, engine.clone()).is_err(), "there is one aside");
        let database = Stromatolite::open(&path, Options::existing()).unwrap();
        let collection = database.documents().collection(&Namespace::parse("a.b").unwrap());
        assert_eq!(collection.find(&Find::new(doc! {})).unwrap().count(), 2);
        assert_eq!(database.sequence_index("g").unwrap().samples().len(), 1);
        assert!(database.check().unwrap().damaged.is_empty());
        drop((collection, database));

        let elsewhere = folder.path().join("elsewhere");
        let report = Stromatolite::repair(&path, &elsewhere, engine.clone()).unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert!(Stromatolite::repair(&path, &elsewhere, engine).is_err());
    }

    #[test]
    fn documents_are_reached_though_the_first_block_of_their_table_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let namespace = |name: &str| Namespace::parse(name).unwrap();
        let database = Stromatolite::open(&path, Options::default()).unwrap();
        for (name, many) in [("lab.samples", 3000), ("lab.plates", 1000)] {
            let collection = database.documents().collection(&namespace(name));
            let document = |id: i32| doc! {"_id": id, "of": name, "padding": format!("{:x}", id * 7919)};
            collection.insert_many((0..many).map(document).collect(), true).unwrap();
            collection.create_indexes(&[IndexModel::new(doc! {"padding": 1})]).unwrap();
        }
        database.close().unwrap();
        drop(database);
        let tables: Vec<_> = std::fs::read_dir(path.join("documents/layers")).unwrap().flatten().collect();
        let [table] = &tables[..] else { panic!("{tables:?}") };
        let mut bytes = std::fs::read(table.path()).unwrap();
        bytes[40] ^= 1;
        std::fs::write(table.path(), bytes).unwrap();

        let report = Stromatolite::repair_in_place(&path, Options::default().engine).unwrap();
        let [part] = &report.documents.lost_parts[..] else { panic!("{report:?}") };
        assert!(part.after.is_none() && part.blocks == 1, "it is not the first block: {part:?}");
        let [renamed] = &report.documents.renamed_keyspaces[..] else { panic!("{report:?}") };
        assert_eq!((renamed.number, renamed.name.as_str()), (1, "documents"));
        let [samples, plates] = &report.collections.renamed[..] else { panic!("{report:?}") };
        assert_eq!(report.collections.removed_indexes, 2);

        let database = Stromatolite::open(&path, Options::existing()).unwrap();
        assert!(database.check().unwrap().damaged.is_empty());
        let found = |name: &Namespace, of: &str| {
            let find = Find::new(doc! {"of": of});
            database.documents().collection(name).find(&find).unwrap().map(Result::unwrap).count()
        };
        let many = found(samples, "lab.samples");
        assert!((2000..3000).contains(&many), "{many} are left");
        assert_eq!(found(plates, "lab.plates"), 1000);
        // What is written from now on lies apart from what was recovered.
        let later = namespace("lab.samples");
        let document = doc! {"_id": 2999, "of": "later"};
        database.documents().collection(&later).insert_many(vec![document], true).unwrap();
        assert_eq!((found(&later, "later"), found(&later, "lab.samples")), (1, 0));
        assert_eq!((found(samples, "lab.samples"), found(samples, "later")), (many, 0));
    }
}
