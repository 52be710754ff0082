//! `lsmlite-rs`: the LSM extension of SQLite 3.
//!
//! Its sizes are constants (a tree of 16 MiB in memory), so that the budget is not heeded; it never waits for the
//! device, so that it has no synced commits, and nothing makes it durable in between. One handle, which only one thread
//! uses at a time. Whoever writes merges: its thread for that refuses transactions of several operations (`LsmMisuse`)
//! as soon as there is something to merge.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lsmlite_rs::{
    Cursor, DbConf, Disk, LsmCompressionLib, LsmCursor, LsmCursorSeekOp, LsmDb, LsmHandleMode, LsmMode,
};

use super::engine::{Engine, Pair, Reader, load_in_commits, look_at};
use super::entries::Entry;
use crate::Outcome;

pub(super) struct LsmliteEngine {
    database: Mutex<LsmDb>,
}

impl LsmliteEngine {
    pub(super) fn open(folder: &Path) -> Outcome<LsmliteEngine> {
        std::fs::create_dir_all(folder)?;
        let settings = DbConf::new_with_parameters(
            folder,
            "lsmlite".to_owned(),
            LsmMode::LsmNoBackgroundThreads,
            LsmHandleMode::ReadWrite,
            None,
            LsmCompressionLib::NoCompression,
        );
        let mut database = LsmDb::default();
        database.initialize(settings)?;
        database.connect()?;
        Ok(LsmliteEngine { database: Mutex::new(database) })
    }

    fn database(&self) -> MutexGuard<'_, LsmDb> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the work in one transaction. A single operation is one without being told.
    fn together(&self, operations: usize, work: impl FnOnce(&mut LsmDb) -> Outcome) -> Outcome {
        let database = &mut *self.database();
        if operations == 1 {
            return work(database);
        }
        database.begin_transaction()?;
        work(database)?;
        Ok(database.commit_transaction()?)
    }
}

impl Engine for LsmliteEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        self.together(entries.len(), |database| {
            entries.iter().try_for_each(|(key, value)| Ok(database.persist(key, value)?))
        })
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        self.together(keys.len(), |database| keys.iter().try_for_each(|key| Ok(database.delete(key)?)))
    }

    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        load_in_commits(self, entries)
    }

    fn sync(&self) -> Outcome {
        Ok(())
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        let database = self.database();
        work(&LsmliteReader { cursor: RefCell::new(database.cursor_open()?) })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(self.database().disconnect()?)
    }
}

struct LsmliteReader<'a> {
    cursor: RefCell<LsmCursor<'a>>,
}

impl Reader for LsmliteReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        let mut cursor = self.cursor.borrow_mut();
        cursor.seek(key, LsmCursorSeekOp::LsmCursorSeekEq)?;
        if cursor.valid().is_err() {
            return Ok(false);
        }
        look_at(&cursor.get_value()?);
        Ok(true)
    }

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut cursor = self.cursor.borrow_mut();
        match start {
            [] => cursor.first()?,
            start => cursor.seek(start, LsmCursorSeekOp::LsmCursorSeekGe)?,
        }
        let mut walked = 0;
        while walked < limit && cursor.valid().is_ok() {
            each(&cursor.get_key()?, &cursor.get_value()?);
            walked += 1;
            cursor.next()?;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        let mut cursor = self.cursor.borrow_mut();
        cursor.last()?;
        Ok(if cursor.valid().is_ok() { Some(cursor.get_key()?) } else { None })
    }
}
