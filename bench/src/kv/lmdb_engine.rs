//! LMDB. It has no memory of its own to budget: it maps its file, and the page cache decides.

use std::path::Path;

use lmdb::{
    Cursor, Database, DatabaseFlags, Environment, EnvironmentFlags, RoTransaction, Transaction, WriteFlags,
};

use super::engine::{Engine, EngineOptions, Entry, Reader, look_at};
use crate::Outcome;

pub(super) struct LmdbEngine {
    environment: Environment,
    database: Database,
}

impl LmdbEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<LmdbEngine> {
        // Without a sync pages are still written by each commit, so that it survives the process.
        let flags = if options.is_synced { EnvironmentFlags::empty() } else { EnvironmentFlags::NO_SYNC };
        std::fs::create_dir_all(folder)?;
        let map_bytes = (options.most_entries as usize * 1024).next_multiple_of(1 << 30);
        let environment = Environment::new().set_flags(flags).set_map_size(map_bytes).open(folder)?;
        let database = environment.create_db(None, DatabaseFlags::empty())?;
        Ok(LmdbEngine { environment, database })
    }
}

impl Engine for LmdbEngine {
    fn put(&self, entries: &[Entry]) -> Outcome {
        let mut transaction = self.environment.begin_rw_txn()?;
        for (key, value) in entries {
            transaction.put(self.database, key, value, WriteFlags::empty())?;
        }
        Ok(transaction.commit()?)
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

    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        let mut cursor = self.transaction.open_ro_cursor(self.database)?;
        let mut walked = 0;
        // It refuses to look for an empty key.
        let entries = if start.is_empty() { cursor.iter_start() } else { cursor.iter_from(start) };
        for entry in entries.take(limit as usize) {
            let (key, value) = entry?;
            look_at(key);
            look_at(value);
            walked += 1;
        }
        Ok(walked)
    }
}
