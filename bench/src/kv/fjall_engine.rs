//! fjall. Half the budget is its block cache, half its write buffers; two workers, as our engine has.

use std::path::Path;

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode, Readable, Snapshot,
};

use super::engine::{Engine, EngineOptions, Pair, Reader, look_at};
use super::entries::Entry;
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
        let keyspace = database.keyspace("all", || {
            let separation = options.has_large_values.then(KvSeparationOptions::default);
            KeyspaceCreateOptions::default().max_memtable_size(half / 2).with_kv_separation(separation)
        })?;
        Ok(FjallEngine { database, keyspace, is_synced: options.is_synced })
    }
}

impl Engine for FjallEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        if let [(key, value)] = entries {
            self.keyspace.insert(*key, *value)?;
        } else {
            let mut batch = self.database.batch();
            for (key, value) in entries {
                batch.insert(&self.keyspace, *key, *value);
            }
            batch.commit()?;
        }
        if self.is_synced { self.sync() } else { Ok(()) }
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut batch = self.database.batch();
        for key in keys {
            batch.remove(&self.keyspace, *key);
        }
        batch.commit()?;
        Ok(())
    }

    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        let mut ingestion = self.keyspace.start_ingestion()?;
        for (key, value) in entries {
            ingestion.write(key, value)?;
        }
        Ok(ingestion.finish()?)
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

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.snapshot.range(self.keyspace, start..).take(limit as usize) {
            let (key, value) = entry.into_inner()?;
            each(&key, &value);
            walked += 1;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        let last = self.snapshot.last_key_value(self.keyspace);
        Ok(last.map(|entry| entry.key()).transpose()?.map(|key| key.to_vec()))
    }
}
