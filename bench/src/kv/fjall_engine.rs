//! fjall. Half the budget is its block cache, half its write buffers; two workers, as our engine has.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use super::engine::{Engine, EngineOptions, Entry, Reader, look_at};
use crate::Outcome;

pub(super) struct FjallEngine {
    database: Database,
    keyspace: Keyspace,
    is_synced: bool,
}

impl FjallEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<FjallEngine> {
        let half = options.memory_bytes as u64 / 2;
        let database = Database::builder(folder).cache_size(half).worker_threads(2).open()?;
        // One memtable is filled while another is flushed.
        let keyspace =
            database.keyspace("all", || KeyspaceCreateOptions::default().max_memtable_size(half / 2))?;
        Ok(FjallEngine { database, keyspace, is_synced: options.is_synced })
    }
}

impl Engine for FjallEngine {
    fn put(&self, entries: &[Entry]) -> Outcome {
        if let [(key, value)] = entries {
            self.keyspace.insert(key, value)?;
        } else {
            let mut batch = self.database.batch();
            for (key, value) in entries {
                batch.insert(&self.keyspace, key, value);
            }
            batch.commit()?;
        }
        if self.is_synced { self.sync() } else { Ok(()) }
    }

    fn sync(&self) -> Outcome {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&FjallReader { snapshot: self.database.snapshot(), keyspace: &self.keyspace })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

struct FjallReader<'a> {
    snapshot: Snapshot,
    keyspace: &'a Keyspace,
}

impl Reader for FjallReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        let value = self.snapshot.get(self.keyspace, key)?;
        Ok(value.inspect(|value| look_at(value)).is_some())
    }

    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.snapshot.range(self.keyspace, start..).take(limit as usize) {
            let (key, value) = entry.into_inner()?;
            look_at(&key);
            look_at(&value);
            walked += 1;
        }
        Ok(walked)
    }
}
