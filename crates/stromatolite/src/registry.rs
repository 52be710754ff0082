//! The sequence indexes of a database: which there are, and the one open handle of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stroma_sequence::{IndexOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{Blob, StorageError};

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::marker;

pub(crate) const FOLDER: &str = "indexes";

/// The sequence indexes of one database.
///
/// An index exists when its blob in `indexes/` does: that blob is put last when an index is made and deleted
/// first when it is removed, so a crash in between leaves at most layers that nobody names, which the next
/// index of that name clears away.
#[derive(Debug)]
pub(crate) struct Registry {
    layout: Arc<Layout>,
    /// Handles that were opened so far. Held while one is opened, so that two callers share it.
    open: Mutex<BTreeMap<String, Arc<SequenceIndex>>>,
}

impl Registry {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Registry { layout, open: Mutex::default() }
    }

    /// The names of all indexes, ascending.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let entries = self.layout.root().list(FOLDER)?;
        Ok(entries.iter().filter_map(|entry| Some(entry.name.split_once('/')?.1.to_owned())).collect())
    }

    /// The handle of an index, opened when it is asked for first.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<SequenceIndex>> {
        check_name(name)?;
        let mut open = self.open.lock();
        if let Some(index) = open.get(name) {
            return Ok(Arc::clone(index));
        }
        let (root, blob) = (self.layout.root(), self.marker(name)?);
        marker::SEQUENCE_INDEX.verify(&*blob, &root.describe(&blob_name(name)))?;
        let storage = self.layout.sequence_index(name)?;
        let index = if self.layout.is_read_only() {
            SequenceIndex::open_read_only(storage, SetOptions::default())?
        } else {
            SequenceIndex::open(storage, SetOptions::default())?
        };
        let index = Arc::new(index);
        open.insert(name.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    /// Makes an index.
    pub(crate) fn create(&self, name: &str, options: IndexOptions) -> Result<Arc<SequenceIndex>> {
        check_name(name)?;
        let mut open = self.open.lock();
        if self.layout.root().open(&blob_name(name)).is_ok() {
            return Err(Error::IndexExists { name: name.to_owned() });
        }
        self.check_writable(name)?;
        self.clear(name)?;
        let storage = self.layout.sequence_index(name)?;
        let index = Arc::new(SequenceIndex::create(storage, options, SetOptions::default())?);
        self.layout.root().put_if_absent(&blob_name(name), marker::SEQUENCE_INDEX.line().as_bytes())?;
        open.insert(name.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    /// Removes an index and its layers, even if it is damaged. Searches under way on handles given out before
    /// may then fail.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let mut open = self.open.lock();
        self.marker(name)?;
        self.check_writable(name)?;
        self.layout.root().delete(&blob_name(name))?;
        open.remove(name);
        self.clear(name)
    }

    /// Folders with layers that no blob in `indexes/` names: what an interrupted removal left, or an index whose
    /// blob was lost.
    #[expect(
        clippy::disallowed_methods,
        reason = "a folder is not a blob: storage has no notion of listing it"
    )]
    pub(crate) fn unnamed(&self) -> Result<Vec<String>> {
        let names = self.names()?;
        // A file has no folder of this name, and nothing that was interrupted.
        let Ok(folders) = std::fs::read_dir(self.layout.sequences("")) else { return Ok(Vec::new()) };
        let has_layers = |folder: &std::path::Path| {
            std::fs::read_dir(folder.join("layers")).is_ok_and(|mut layers| layers.next().is_some())
        };
        let mut unnamed: Vec<String> = folders
            .flatten()
            .filter(|folder| has_layers(&folder.path()))
            .map(|folder| folder.file_name().to_string_lossy().into_owned())
            .filter(|name| !names.contains(name))
            .collect();
        unnamed.sort();
        Ok(unnamed)
    }

    /// Where the blob of an index is, as shown to people.
    pub(crate) fn describe(&self, name: &str) -> String {
        self.layout.root().describe(&blob_name(name))
    }

    /// The blob that says that there is an index of this name.
    fn marker(&self, name: &str) -> Result<Arc<dyn Blob>> {
        self.layout.root().open(&blob_name(name)).map_err(|error| match error {
            StorageError::NotFound { .. } => {
                let known = self.names().unwrap_or_default();
                Error::UnknownIndex { name: name.to_owned(), known }
            }
            error => error.into(),
        })
    }

    /// Refuses to change what is only read.
    fn check_writable(&self, name: &str) -> Result<()> {
        if self.layout.is_read_only() {
            let place = self.describe(name);
            return Err(StorageError::ReadOnly { place }.into());
        }
        Ok(())
    }

    /// Removes what an index left in its folder.
    #[expect(
        clippy::disallowed_methods,
        reason = "a folder is not a blob: storage has no notion of removing it"
    )]
    fn clear(&self, name: &str) -> Result<()> {
        let folder = self.layout.sequences(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StorageError::from_io("remove the folder", folder.display().to_string(), error).into())
            }
            _ => Ok(()),
        }
    }
}

fn blob_name(index: &str) -> String {
    format!("{FOLDER}/{index}")
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(is_allowed) {
        return Err(Error::IndexName { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests damage files by hand")]

    use stroma_sequence::{IndexOptions, Input, NoProgress};

    use crate::{Error, Options, Stromatolite};

    const GENOME: &str = ">g\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGC\n";

    fn opened(folder: &std::path::Path) -> Stromatolite {
        Stromatolite::open(folder, Options::default()).unwrap()
    }

    /// A database with the index `g` of one sample.
    fn with_index(folder: &std::path::Path) -> Stromatolite {
        let database = opened(folder);
        let index = database.create_sequence_index("g", IndexOptions::default()).unwrap();
        index.add_sample("A", vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();
        database
    }

    #[test]
    fn an_index_is_made_once_found_again_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let database = with_index(folder.path());
        let again = database.create_sequence_index("g", IndexOptions::default()).unwrap_err();
        assert!(matches!(again, Error::IndexExists { .. }), "{again}");
        drop(database);

        let database = opened(folder.path());
        assert_eq!(database.sequence_indexes().unwrap(), ["g"]);
        assert_eq!(database.sequence_index("g").unwrap().samples()[0].name, "A");
        database.remove_sequence_index("g").unwrap();
        let gone = database.sequence_index("g").unwrap_err();
        assert!(matches!(gone, Error::UnknownIndex { .. }), "{gone}");
        assert!(matches!(database.remove_sequence_index("g"), Err(Error::UnknownIndex { .. })));
        assert!(!folder.path().join("sequences/g").exists());

        let anew = IndexOptions { k: 21, ..IndexOptions::default() };
        assert!(database.create_sequence_index("g", anew).unwrap().samples().is_empty());
    }

    #[test]
    fn a_name_that_could_leave_its_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = opened(folder.path());
        for name in ["", ".", "..", ".hidden", "a/b", "../x", "a b", "\u{e9}", &"x".repeat(65)] {
            let made = database.create_sequence_index(name, IndexOptions::default());
            assert!(matches!(made, Err(Error::IndexName { .. })), "{name:?}");
            assert!(matches!(database.remove_sequence_index(name), Err(Error::IndexName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_changed_marker_is_damage_and_a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_index(folder.path()));
        let marker = folder.path().join("indexes/g");
        let whole = std::fs::read(&marker).unwrap();
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 1;
            std::fs::write(&marker, &flipped).unwrap();
            let database = opened(folder.path());
            assert!(database.sequence_index("g").is_err(), "byte {position}");
            let damaged = database.check().unwrap().damaged;
            assert_eq!(damaged.len(), 1, "byte {position}");
            assert!(damaged[0].what.contains("indexes/g"), "{damaged:?}");
        }
        std::fs::write(&marker, "stromatolite sequence index 99\n").unwrap();
        let newer = opened(folder.path()).sequence_index("g").unwrap_err();
        assert!(matches!(newer, Error::NewerFormat { found: 99, .. }), "{newer}");
        std::fs::write(&marker, &whole).unwrap();
        assert_eq!(opened(folder.path()).check().unwrap().damaged, []);
    }

    #[test]
    fn an_index_without_its_marker_is_told_by_a_check() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_index(folder.path()));
        std::fs::remove_file(folder.path().join("indexes/g")).unwrap();
        let damaged = opened(folder.path()).check().unwrap().damaged;
        assert!(damaged.len() == 1 && damaged[0].file.contains("indexes/g"), "{damaged:?}");
    }

    #[test]
    fn a_damaged_index_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_index(folder.path()));
        std::fs::remove_dir_all(folder.path().join("sequences/g/manifest")).unwrap();
        let database = opened(folder.path());
        assert!(database.sequence_index("g").unwrap_err().is_damage());
        assert_eq!(database.check().unwrap().damaged.len(), 1);
        database.remove_sequence_index("g").unwrap();
        assert_eq!(database.check().unwrap().damaged, []);
    }
}
