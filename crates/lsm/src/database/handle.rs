//! The database that callers hold.

use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

use stroma_strata::storage::{LocalStorage, LogStorage, StorageError};

use super::core::Core;
use super::open::{RecoveryReport, open};
use super::read_only::Moments;
use crate::commit::{Batch, Writer};
use crate::entry::Sequence;
use crate::keyspace::{KeyRange, Keyspace, KeyspaceDescription};
use crate::memory_map::MemoryMap;
use crate::options::Options;
use crate::snapshot::Snapshot;
use crate::statistics::Statistics;
use crate::transaction::Transaction;
use crate::{CheckReport, Error, TableDescription};

/// A handle on an open database; cloning gives another on the same one. See the [crate's page](crate) for an
/// example.
///
/// Dropping the last handle hands the log to the operating system and leaves the rest to the next opening;
/// [`close`](Database::close) also moves everything into tables, so that the next opening has nothing to replay.
#[derive(Debug, Clone)]
pub struct Database {
    owner: Arc<Owner>,
}

/// What the handles share besides the core, which background threads and scans hold as well.
#[derive(Debug)]
struct Owner {
    core: Arc<Core>,
    report: RecoveryReport,
    /// Where a database that was opened to be read finds later moments.
    moments: Option<Arc<Moments>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.core.shut_down();
    }
}

impl Database {
    /// Opens the database in a directory, which is made if there is none.
    ///
    /// # Errors
    /// [`Error::Storage`] with `Locked` if it is open already, here or in another process;
    /// [`Error::Corrupt`] for damage; [`Error::Unsupported`] if a newer program wrote it; [`Error::InvalidOptions`].
    /// Nothing was changed then.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Database, Error> {
        let storage = LocalStorage::open(path.as_ref())?;
        Database::open_storage(Arc::new(storage), options)
    }

    /// Opens the database in any storage that has logs.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_storage(storage: Arc<dyn LogStorage>, options: Options) -> Result<Database, Error> {
        let (core, report) = open(storage, options)?;
        Ok(Database { owner: Arc::new(Owner { core, report, moments: None }) })
    }

    /// Opens the database in a directory to read it, as it is now. Any number of processes may do so at once, and
    /// beside one that writes it: no lock is taken, nothing is written and nothing deleted. What was committed
    /// [without being handed to the operating system](crate::Durability::None) is seen only later.
    ///
    /// The handle shows one moment and never changes by itself; [`refresh`](Database::refresh) takes a later one. What
    /// the log holds beyond the tables is kept in memory, within [`Options::memory_bytes`]: up to four times the
    /// writer's `memory_bytes` if that [cleans memory](Options::memory_cleaning), else as much as those.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let path = folder.path();
    /// use stroma_lsm::{Database, Error, Options};
    ///
    /// let writer = Database::open(path, Options::default())?;
    /// let stock = writer.keyspace("stock")?;
    /// stock.put("apples", "12")?;
    ///
    /// let mut reader = Database::open_read_only(path, Options::default())?;
    /// stock.put("apples", "11")?;
    /// assert_eq!(reader.keyspace("stock")?.get("apples")?.as_deref(), Some(&b"12"[..]));
    /// assert!(reader.refresh()?);
    /// assert_eq!(reader.keyspace("stock")?.get("apples")?.as_deref(), Some(&b"11"[..]));
    /// assert!(matches!(reader.keyspace("stock")?.put("apples", "10"), Err(Error::ReadOnly)));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoDatabase`] if there is none; [`Error::OutOfMemory`] if the log does not fit into the budget; else as
    /// [`Database::open`]. From then on every change is [`Error::ReadOnly`].
    pub fn open_read_only(path: impl AsRef<Path>, options: Options) -> Result<Database, Error> {
        let path = path.as_ref();
        match LocalStorage::open_existing(path) {
            Ok(storage) => Database::open_storage_read_only(Arc::new(storage), options),
            Err(StorageError::NotFound { place }) => Err(Error::NoDatabase { place }),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the database in any storage to read it.
    ///
    /// # Errors
    /// As [`Database::open_read_only`].
    pub fn open_storage_read_only(storage: Arc<dyn LogStorage>, options: Options) -> Result<Database, Error> {
        let moments = Arc::new(Moments::new(storage, options)?);
        let (core, report) = moments.take()?;
        Ok(Database { owner: Arc::new(Owner { core, report, moments: Some(moments) }) })
    }

    /// Catches up with the writer of a database that was opened to be read; answers whether there was anything new.
    /// Keyspaces, snapshots and other clones of the handle that were had before go on seeing the moment before: ask
    /// this handle for them anew. Takes time linear in what is new in the log.
    ///
    /// A handle that was opened for writing always shows the present: nothing happens.
    ///
    /// # Errors
    /// As [`Database::open_read_only`]; the handle is as it was then.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        let Some(moments) = self.owner.moments.clone() else { return Ok(false) };
        let (core, report) = moments.take()?;
        let before = &self.owner;
        let is_new = before.report.last_sequence != report.last_sequence
            || before.report.epoch != report.epoch
            || before.core.layers.number() != core.layers.number();
        if is_new {
            self.owner = Arc::new(Owner { core, report, moments: Some(moments) });
        }
        Ok(is_new)
    }

    /// Whether it was opened to be read.
    pub fn is_read_only(&self) -> bool {
        self.core().is_read_only()
    }

    /// What was found when it was opened.
    pub fn recovery_report(&self) -> &RecoveryReport {
        &self.owner.report
    }

    /// The keyspace of this name (1 to 255 bytes), made if there is none.
    ///
    /// # Errors
    /// [`Error::InvalidName`]; [`Error::NoSuchKeyspace`] where none can be made, to be read only; as
    /// [`Batch::commit`] where it has to be made.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, Error> {
        self.core().catalog.open(self.core(), name)
    }

    /// The names of all keyspaces, in order.
    pub fn keyspaces(&self) -> Vec<String> {
        self.core().catalog.names()
    }

    /// The keyspaces by name, and what is kept with each: merge operators, and how entries are stored.
    pub fn keyspace_descriptions(&self) -> Vec<KeyspaceDescription> {
        self.core().catalog.descriptions()
    }

    /// Drops the keyspace of this name with everything in it; answers whether there was one. Takes constant time;
    /// merges free the space. Snapshots go on seeing it.
    ///
    /// # Errors
    /// As [`Batch::commit`].
    pub fn drop_keyspace(&self, name: &str) -> Result<bool, Error> {
        self.core().catalog.drop_keyspace(self.core(), name)
    }

    /// A new, empty batch.
    pub fn batch(&self) -> Batch {
        Batch::new(self.core().clone())
    }

    /// The change counter: the sequence of the last commit that readers see. It grows with every commit that changes
    /// anything, never falls, and goes on where it was when the database is opened again, but for commits that were
    /// lost. See [`Range::sequence`](crate::Range::sequence).
    pub fn sequence(&self) -> Sequence {
        self.core().published()
    }

    /// The database as it is now, to read from later.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.core().clone())
    }

    /// Begins a transaction.
    pub fn transaction(&self) -> Transaction {
        Transaction::new(self.core().clone())
    }

    /// Makes every commit so far survive a loss of power.
    ///
    /// # Errors
    /// [`Error::Poisoned`] if the device refuses: nothing is accepted after that.
    pub fn sync(&self) -> Result<(), Error> {
        self.core().sync()
    }

    /// Moves everything in memory into tables.
    ///
    /// # Errors
    /// Failure of the storage; everything stays readable and in the log then.
    pub fn flush(&self) -> Result<(), Error> {
        self.core().flush_all()
    }

    /// Flushes and merges all tables into one sorted run, which frees all space that nobody can see any more. Idle
    /// background threads take a part of the work.
    ///
    /// # Errors
    /// Failure of the storage.
    pub fn compact(&self) -> Result<(), Error> {
        self.core().flush_all()?;
        self.core().layers.merge_all()
    }

    /// Flushes and merges the tables that hold keys of `range` into one sorted run, level by level, and so frees what
    /// is deleted there. Tables reach over the ends of the range and are merged whole. What is written meanwhile may
    /// be left out. `compact_range::<&[u8]>(&keyspace, ..)` is for a whole keyspace.
    ///
    /// # Errors
    /// Failure of the storage; [`Error::ForeignKeyspace`].
    pub fn compact_range<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> Result<(), Error> {
        keyspace.check_same(self.core())?;
        let range = KeyRange::new(keyspace.id(), &range);
        if range.is_empty() {
            return Ok(());
        }
        self.core().flush_all()?;
        self.core().layers.merge_range(&range)
    }

    /// Reads every table and compares every checksum; what is wrong is in the report.
    pub fn check(&self) -> CheckReport {
        CheckReport::make(self.core())
    }

    /// Sizes, counts and work at hand.
    pub fn statistics(&self) -> Statistics {
        Statistics::take(self.core())
    }

    /// The tables, newest first: their sizes, and which kind of index each has and why.
    pub fn tables(&self) -> Vec<TableDescription> {
        self.core().layers.view().describe()
    }

    /// Whether its files are encrypted: it was opened with [`Options::encryption`].
    pub fn is_encrypted(&self) -> bool {
        self.core().options().encryption.is_some()
    }

    /// What the memory budget is used for. Linear in the segments of memory.
    pub fn memory_map(&self) -> MemoryMap {
        MemoryMap::take(self.core())
    }

    /// Flushes and ends the database; other handles answer [`Error::Closed`] to changes from now on.
    ///
    /// # Errors
    /// Failure of the last flush. The database is closed all the same; its log holds what was not flushed.
    pub fn close(self) -> Result<(), Error> {
        let core = self.core();
        if core.is_closed() {
            return Ok(());
        }
        let flushed = if core.is_read_only() { Ok(()) } else { core.flush_all() };
        core.shut_down();
        flushed
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.owner.core
    }
}

impl Core {
    /// Seals what is in memory and flushes it in the calling thread.
    pub(crate) fn flush_all(&self) -> Result<(), Error> {
        {
            let mut writer = self.writer.lock();
            self.check_open()?;
            if !self.memtables().active.is_empty() {
                self.seal(&mut writer)?;
            }
        }
        while self.flush_oldest()? {}
        self.flush_whole_resident()
    }

    /// The same for one who holds the writer's lock: nothing is in memory afterwards.
    pub(crate) fn flush_for(&self, writer: &mut Writer) -> Result<(), Error> {
        if !self.memtables().active.is_empty() {
            self.seal(writer)?;
        }
        while self.flush_oldest()? {}
        self.flush_whole_resident()
    }

    /// Ends background work and hands the log to the operating system. Does nothing the second time.
    fn shut_down(&self) {
        {
            // Under the lock, so that no commit is under way.
            let mut writer = self.writer.lock();
            if !self.mark_closed() {
                return;
            }
            // Whoever needed more asked for it at the commit.
            let _ = writer.log.flush();
        }
        self.flush.ask();
        if let Some(flusher) = self.flusher.lock().take() {
            // It panicked if this fails, and there is nobody left to tell.
            let _ = flusher.join();
        }
        self.layers.close();
    }
}
