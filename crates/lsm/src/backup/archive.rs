//! Backups of a database in a storage of their own: each whole, and all sharing the files they have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::{LocalStorage, Storage, StorageError};
use stroma_strata::{LayerDescriptor, SetImage};

use super::checkpoint::CheckpointReport;
use super::files::{check_empty, install, names};
use crate::Error;
use crate::database::Database;
use crate::entry::Sequence;
use crate::flush::FlushRecord;

/// The folder of the lists of files.
const FOLDER: &str = "backups";
/// The folders of the files.
const FILE_FOLDERS: [&str; 2] = ["layers", "values"];

/// The backups of one database in one place. Files are named as in the database; `backups/<20 digits>` says which of
/// them, and which levels, a backup consists of, in the format of a manifest.
///
/// ```
/// # let folder = tempfile::tempdir().expect("a temporary directory");
/// # let path = folder.path();
/// use stroma_lsm::{Backups, Database, Options};
///
/// let database = Database::open(path.join("database"), Options::default())?;
/// let stock = database.keyspace("stock")?;
/// stock.put("apples", "12")?;
/// let backups = Backups::open(path.join("backups"))?;
/// let first = database.back_up(&backups)?;
/// stock.put("apples", "11")?;
/// database.back_up(&backups)?;
///
/// backups.restore(first.number, path.join("restored"))?;
/// let restored = Database::open(path.join("restored"), Options::default())?;
/// assert_eq!(restored.keyspace("stock")?.get("apples")?.as_deref(), Some(&b"12"[..]));
/// # Ok::<(), stroma_lsm::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Backups {
    storage: Arc<dyn Storage>,
    encryption: Option<Encryption>,
}

/// What a backup did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Its number: one more than that of the last, from 1.
    pub number: u64,
    /// The sequence of the last commit in it.
    pub sequence: Sequence,
    /// Files that had to be copied.
    pub copied_files: usize,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that an earlier backup had copied.
    pub shared_files: usize,
}

/// A backup in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupInfo {
    /// Its number.
    pub number: u64,
    /// The sequence of the last commit in it.
    pub sequence: Sequence,
    /// Tables and value files that it consists of, shared ones included.
    pub files: usize,
}

impl Backups {
    /// The backups in a directory, which is made if there is none.
    ///
    /// # Errors
    /// Failure of the storage.
    pub fn open(path: impl AsRef<Path>) -> Result<Backups, Error> {
        Ok(Backups::open_storage(Arc::new(LocalStorage::open(path.as_ref())?)))
    }

    /// The backups in any storage.
    pub fn open_storage(storage: Arc<dyn Storage>) -> Backups {
        Backups { storage, encryption: None }
    }

    /// The same with the keys of an encrypted database, whose backups are encrypted as it is. [`Database::back_up`] has
    /// them from the database.
    #[must_use]
    pub fn with_encryption(self, encryption: Encryption) -> Backups {
        Backups { encryption: Some(encryption), ..self }
    }

    /// The backups there are, oldest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the list of files of one is damaged: the others can be [restored](Backups::restore), and
    /// further ones are made once it is [deleted](Backups::delete). [`Error::Encryption`]; failure of the storage.
    pub fn list(&self) -> Result<Vec<BackupInfo>, Error> {
        let images = self.images(self.encryption.as_ref())?;
        let info = |(number, image): (u64, SetImage)| {
            Ok(BackupInfo { number, sequence: sequence_of(&image), files: names(&image)?.len() })
        };
        images.into_iter().map(info).collect()
    }

    /// Makes a database of a backup, in a directory where there is none.
    ///
    /// # Errors
    /// [`Error::NoSuchBackup`], [`Error::NotEmpty`]; failure of a storage. Nothing of it stays behind then, but for a
    /// [`LOCK`](LocalStorage) file.
    pub fn restore(&self, number: u64, path: impl AsRef<Path>) -> Result<CheckpointReport, Error> {
        // Before a directory is made for it.
        self.image(number, self.encryption.as_ref())?;
        self.restore_into(number, &LocalStorage::open(path.as_ref())?)
    }

    /// The same in any storage.
    ///
    /// # Errors
    /// As [`Backups::restore`].
    pub fn restore_into(&self, number: u64, target: &dyn Storage) -> Result<CheckpointReport, Error> {
        let image = self.image(number, self.encryption.as_ref())?;
        let _lock = target.lock()?;
        check_empty(target)?;
        let (files, bytes) = install(&image, target, |name| Ok(target.copy_from(&*self.storage, name)?))?;
        Ok(CheckpointReport { sequence: sequence_of(&image), files, bytes })
    }

    /// Deletes a backup, and the files that no other has. It may be one whose list of files is damaged; where that of
    /// another is damaged as well, its files stay until that is deleted.
    ///
    /// # Errors
    /// [`Error::NoSuchBackup`]; as [`Backups::list`] for the others, unless the list of this one is damaged. The backup
    /// is either whole or gone; files that nobody has go with the next backup that is deleted.
    pub fn delete(&self, number: u64) -> Result<(), Error> {
        let _lock = self.storage.lock()?;
        let mut numbers = self.numbers()?;
        let at = numbers.binary_search(&number).map_err(|_| Error::NoSuchBackup { number })?;
        numbers.remove(at);
        let kept = match self.files_of(&numbers) {
            Err(Error::Corrupt { .. }) if self.is_damaged(number) => None,
            kept => Some(kept?),
        };
        self.storage.delete(&image_name(number))?;
        let Some(kept) = kept else { return Ok(()) };
        for folder in FILE_FOLDERS {
            for file in self.storage.list(folder)? {
                if !kept.contains(&file.name) {
                    self.storage.delete(&file.name)?;
                }
            }
        }
        Ok(())
    }

    /// The files that backups have.
    fn files_of(&self, numbers: &[u64]) -> Result<BTreeSet<String>, Error> {
        let mut files = BTreeSet::new();
        for number in numbers {
            files.extend(names(&self.image(*number, self.encryption.as_ref())?)?);
        }
        Ok(files)
    }

    fn is_damaged(&self, number: u64) -> bool {
        matches!(self.image(number, self.encryption.as_ref()), Err(Error::Corrupt { .. }))
    }

    /// Of all backups, ascending.
    fn numbers(&self) -> Result<Vec<u64>, Error> {
        Ok(self.storage.list(FOLDER)?.iter().filter_map(|entry| number_of(&entry.name)).collect())
    }

    fn image(&self, number: u64, encryption: Option<&Encryption>) -> Result<SetImage, Error> {
        let name = image_name(number);
        let blob = match self.storage.open(&name) {
            Err(StorageError::NotFound { .. }) => return Err(Error::NoSuchBackup { number }),
            blob => blob?,
        };
        Ok(SetImage::decode(&blob.read_all()?, number, &self.storage.describe(&name), encryption)?)
    }

    fn images(&self, encryption: Option<&Encryption>) -> Result<BTreeMap<u64, SetImage>, Error> {
        let image = |number| Ok((number, self.image(number, encryption)?));
        self.numbers()?.into_iter().map(image).collect()
    }
}

impl Database {
    /// Adds a backup of everything committed so far. Only files that no earlier backup has are copied. Writers go on
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::OtherDatabase`] if the backups there are not of this database, as far as can be told; failure of a
    /// storage. Earlier backups are whole whatever happens.
    pub fn back_up(&self, backups: &Backups) -> Result<BackupReport, Error> {
        let target = &*backups.storage;
        let _lock = target.lock()?;
        let images = backups.images(self.core().options().encryption.as_ref())?;
        let moment = self.core().freeze()?;
        let mut whole = BTreeSet::new();
        for image in images.values() {
            check_same_database(image, &moment.image, target)?;
            whole.extend(names(image)?);
        }
        let number = images.last_key_value().map_or(1, |(last, _)| last + 1);
        let mut report = BackupReport {
            number,
            sequence: moment.sequence,
            copied_files: 0,
            copied_bytes: 0,
            shared_files: 0,
        };
        for name in names(&moment.image)? {
            if whole.contains(&name) {
                report.shared_files += 1;
                continue;
            }
            // Left by a backup that did not come to its end, or by one that was deleted.
            target.delete(&name)?;
            report.copied_bytes += target.copy_from(&*self.core().storage, &name)?;
            report.copied_files += 1;
        }
        target.put_if_absent(&image_name(number), &moment.image.encode(number)?)?;
        Ok(report)
    }
}

/// Compares what the manifests of two moments say of tables of the same name.
fn check_same_database(one: &SetImage, other: &SetImage, place: &dyn Storage) -> Result<(), Error> {
    let facts = |layer: &LayerDescriptor| {
        (layer.bytes, layer.entries, layer.smallest.clone(), layer.largest.clone(), layer.metadata.clone())
    };
    let known: BTreeMap<u64, _> = one.layers().map(|layer| (layer.id, facts(layer))).collect();
    let is_same = |layer: &LayerDescriptor| known.get(&layer.id).is_none_or(|known| *known == facts(layer));
    if other.layers().all(is_same) {
        return Ok(());
    }
    Err(Error::OtherDatabase { place: place.describe("") })
}

fn sequence_of(image: &SetImage) -> Sequence {
    FlushRecord::decode(image.record(FlushRecord::NAME)).map_or(0, |record| record.flushed_through)
}

fn image_name(number: u64) -> String {
    format!("{FOLDER}/{number:020}")
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}
