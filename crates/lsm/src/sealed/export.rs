//! A database in one file: writing it.

use std::path::Path;
use std::sync::Arc;

use stroma_strata::storage::{IfExists, PackedWriter, Storage, create_file};

use super::{SealSource, Versions, write_sealed};
use crate::Error;
use crate::backup::{Moment as Frozen, check_empty};
use crate::database::{Core, Database};
use crate::entry::{Moment, Sequence};
use crate::keyspace::KeyRange;
use crate::read::ReadView;
use crate::rules::KeyspaceStoring;
use crate::values::{ValueFile, ValueStore};

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportReport {
    /// The sequence of the last commit in it.
    pub sequence: Sequence,
    /// Keys with their values, those of the catalog of keyspaces included.
    pub entries: u64,
    /// Tables.
    pub tables: usize,
    /// Value files.
    pub value_files: usize,
}

/// Everything at one moment.
struct Everything {
    view: ReadView,
    sequence: Sequence,
    moment: Moment,
    values: Arc<ValueStore>,
    storing: KeyspaceStoring,
}

impl SealSource for Everything {
    fn versions(&self) -> Versions {
        self.view.everything_in(&KeyRange::whole())
    }

    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn moment(&self) -> Moment {
        self.moment
    }

    fn storing(&self) -> KeyspaceStoring {
        self.storing.clone()
    }

    fn value_file(&self, number: u64) -> Result<Arc<ValueFile>, Error> {
        self.values.open(number)
    }
}

impl Database {
    /// Writes everything committed so far, all keyspaces, into one file, which is a database that can only be read:
    /// see [`open_file`](Database::open_file). It holds what is seen and nothing else, merged into one run of tables
    /// and one file of large values. Written with the compression, filters, indexes and lengths of this handle's
    /// options. Nobody sees the file before it is whole and on the device. Writers go on meanwhile.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let path = folder.path();
    /// use stroma_lsm::{Database, IfExists, Options};
    ///
    /// let database = Database::open(path.join("database"), Options::default())?;
    /// database.keyspace("stock")?.put("apples", "12")?;
    /// database.export_into(path.join("stock.stroma"), IfExists::Refuse)?;
    ///
    /// let shipped = Database::open_file(path.join("stock.stroma"), Options::default())?;
    /// assert_eq!(shipped.keyspace("stock")?.get("apples")?.as_deref(), Some(&b"12"[..]));
    /// # Ok::<(), stroma_lsm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`] with `AlreadyExists` if there is such a file and it is not to be replaced; failure of a
    /// storage, damage in what is read. Nothing stays behind then, and a file that was there is there still.
    pub fn export_into(&self, path: impl AsRef<Path>, if_exists: IfExists) -> Result<ExportReport, Error> {
        let path = path.as_ref();
        let file = PackedWriter::new(create_file(path, if_exists)?, path.display().to_string())?;
        let report = self.export_into_storage(&file)?;
        file.finish()?;
        Ok(report)
    }

    /// The same, as blobs in any storage that has no database: a folder, from which it can be opened for writing, too,
    /// or a file [that is being written](PackedWriter).
    ///
    /// # Errors
    /// [`Error::NotEmpty`]; as [`Database::export_into`]. Blobs that nothing names may stay behind then.
    pub fn export_into_storage(&self, target: &dyn Storage) -> Result<ExportReport, Error> {
        let _lock = target.lock()?;
        check_empty(target)?;
        let core = self.core();
        let everything = core.everything()?;
        let sealed = write_sealed(&everything, target, core.options(), core.epoch())?;
        Ok(ExportReport {
            sequence: everything.sequence,
            entries: sealed.entries,
            tables: sealed.tables,
            value_files: sealed.value_files,
        })
    }
}

impl Core {
    /// Everything committed so far, without memory that commits wait for.
    fn everything(&self) -> Result<Everything, Error> {
        let (values, storing) = (self.shared_values(), self.resolver().rules().storing());
        if self.is_read_only() {
            let (view, moment, sequence) = (self.read_view(), self.moment(), self.published());
            return Ok(Everything { view, sequence, moment, values, storing });
        }
        let Frozen { files, sequence, .. } = self.freeze()?;
        let view = self.view_of_tables(files)?;
        Ok(Everything { view, sequence, moment: self.moment(), values, storing })
    }
}
