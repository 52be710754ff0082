//! LMDB. It has no memory of its own to budget: it maps its file, and the page cache decides.

use std::path::Path;

use lmdb::{
    Cursor, Database, DatabaseFlags, Environment, EnvironmentFlags, RoTransaction, Transaction, WriteFlags,
};

use super::engine::{Engine, EngineOptions, Pair, Reader, look_at};
use super::entries::Entry;
use crate::Outcome;

/// `MDB_LAST`, which the safe interface has no name for.
const LAST: u32 = 6;

pub(super) struct LmdbEngine {
    environment: Environment,
    database: Database,
}

impl LmdbEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<LmdbEngine> {
        // Without a sync pages are still written by each commit, so that it survives the process.
        let flags = if options.is_synced { EnvironmentFlags::empty() } else { EnvironmentFlags::NO_SYNC };
        std::fs::create_dir_all(folder)?;
        let map_bytes = (options.most_bytes as usize * 8).next_multiple_of(1 << 30);
        let environment = Environment::new().set_flags(flags).set_map_size(map_bytes).open(folder)?;
        let database = environment.create_db(None, DatabaseFlags::empty())?;
        Ok(LmdbEngine { environment, database })
    }
}

impl Engine for LmdbEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        let mut transaction = self.environment.begin_rw_txn()?;
        for (key, value) in entries {
            transaction.put(self.database, key, value, WriteFlags::empty())?;
        }
        Ok(transaction.commit()?)
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut transaction = self.environment.begin_rw_txn()?;
        for key in keys {
            transaction.del(self.database, key, None)?;
        }
        Ok(transaction.commit()?)
    }

    /// One transaction, each entry behind the last one.
    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        let mut transaction = self.environment.begin_rw_txn()?;
        for (key, value) in entries {
            transaction.put(self.database, &key, &value, WriteFlags::APPEND)?;
        }
        transaction.commit()?;
        self.sync()
    }

    fn sync(&self) -> Outcome {
        Ok(self.environment.sync(true)?)
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&LmdbReader { transaction: self.environment.begin_ro_txn()?, database: self.database })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

struct LmdbReader<'a> {
    transaction: RoTransaction<'a>,
    database: Database,
}

impl Reader for LmdbReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        match self.transaction.get(self.database, &key) {
            Ok(value) => look_at(value),
            Err(lmdb::Error::NotFound) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut cursor = self.transaction.open_ro_cursor(self.database)?;
        let mut walked = 0;
        // It refuses to look for an empty key.
        let entries = if start.is_empty() { cursor.iter_start() } else { cursor.iter_from(start) };
        for entry in entries.take(limit as usize) {
            let (key, value) = entry?;
            each(key, value);
            walked += 1;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        let cursor = self.transaction.open_ro_cursor(self.database)?;
        match cursor.get(None, None, LAST) {
            Ok((key, _)) => Ok(key.map(<[u8]>::to_vec)),
            Err(lmdb::Error::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
