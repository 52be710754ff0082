//! The sequence indexes of a database: which there are, and the one open handle of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stroma_sequence::{IndexOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{LocalStorage, Storage, StorageError};

use crate::error::{Error, Result};
use crate::layout::Layout;

const FOLDER: &str = "indexes";
/// What the blob of an index says; its settings are kept by the index itself.
const CONTENT: &[u8] = b"stromatolite sequence index 1\n";

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
        match self.layout.root().open(&blob_name(name)) {
            Ok(_) => {}
            Err(StorageError::NotFound { .. }) => {
                return Err(Error::UnknownIndex { name: name.to_owned(), known: self.names()? });
            }
            Err(error) => return Err(error.into()),
        }
        let index = Arc::new(SequenceIndex::open(self.storage(name)?, SetOptions::default())?);
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
        self.clear(name)?;
        let index = Arc::new(SequenceIndex::create(self.storage(name)?, options, SetOptions::default())?);
        self.layout.root().put_if_absent(&blob_name(name), CONTENT)?;
        open.insert(name.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    /// Removes an index and its layers. Searches under way on handles given out before may then fail.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let index = self.get(name)?;
        let mut open = self.open.lock();
        self.layout.root().delete(&blob_name(name))?;
        open.remove(name);
        drop(index);
        self.clear(name)
    }

    fn storage(&self, name: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(LocalStorage::open(self.layout.sequences(name))?))
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

fn check_name(name: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(is_allowed) {
        return Err(Error::IndexName { name: name.to_owned() });
    }
    Ok(())
}
