//! Our own engine. The whole budget goes to memtables: blocks are read through the page cache.

use std::path::Path;

use stroma_lsm::{Database, Durability, Keyspace, Options, Snapshot};

use super::engine::{Engine, EngineOptions, Entry, Reader, look_at};
use crate::Outcome;

pub(super) struct StromaEngine {
    database: Database,
    keyspace: Keyspace,
}

impl StromaEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<StromaEngine> {
        let durability = if options.is_synced { Durability::Synced } else { Durability::Buffered };
        let options = Options { memory_bytes: options.memory_bytes, durability, ..Options::default() };
        let database = Database::open(folder, options)?;
        let keyspace = database.keyspace("all")?;
        Ok(StromaEngine { database, keyspace })
    }
}

impl Engine for StromaEngine {
    fn put(&self, entries: &[Entry]) -> Outcome {
        if let [(key, value)] = entries {
            self.keyspace.put(key, value)?;
            return Ok(());
        }
        let mut batch = self.database.batch();
        for (key, value) in entries {
            batch.put(&self.keyspace, key, value);
        }
        batch.commit()?;
        Ok(())
    }

    fn sync(&self) -> Outcome {
        Ok(self.database.sync()?)
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&StromaReader { snapshot: self.database.snapshot(), keyspace: &self.keyspace })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(self.database.close()?)
    }
}

struct StromaReader<'a> {
    snapshot: Snapshot,
    keyspace: &'a Keyspace,
}

impl Reader for StromaReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        Ok(self.snapshot.get_with(self.keyspace, key, look_at)?.is_some())
    }

    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        let mut walked = 0;
        let mut range = self.snapshot.range(self.keyspace, start..);
        while walked < limit
            && let Some((key, value)) = range.next_entry()?
        {
            look_at(key);
            look_at(value);
            walked += 1;
        }
        Ok(walked)
    }
}
