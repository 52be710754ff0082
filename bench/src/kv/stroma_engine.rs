//! Our own engine. The whole budget goes to memtables: blocks are read through the page cache.

use std::ops::ControlFlow;
use std::path::Path;

use stroma_lsm::{Compression, Database, Durability, Keyspace, Options, Snapshot};

use super::engine::{Engine, EngineOptions, Pair, Reader, look_at};
use super::entries::Entry;
use crate::Outcome;

pub(super) struct StromaEngine {
    database: Database,
    keyspace: Keyspace,
}

impl StromaEngine {
    pub(super) fn open(
        folder: &Path,
        options: EngineOptions,
        compression: Compression,
    ) -> Outcome<StromaEngine> {
        let durability = if options.is_synced { Durability::Synced } else { Durability::Buffered };
        let memory_bytes = options.memory_bytes;
        let options = Options { memory_bytes, durability, compression, ..Options::default() };
        let database = Database::open(folder, options)?;
        let keyspace = database.keyspace("all")?;
        Ok(StromaEngine { database, keyspace })
    }
}

impl Engine for StromaEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
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

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut batch = self.database.batch();
        for key in keys {
            batch.delete(&self.keyspace, key);
        }
        batch.commit()?;
        Ok(())
    }

    fn remove_range(&self, start: &[u8], end: &[u8]) -> Outcome {
        self.keyspace.delete_range(start..end)?;
        Ok(())
    }

    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        let mut ingestion = self.keyspace.ingest()?;
        for (key, value) in entries {
            ingestion.add(key, value)?;
        }
        ingestion.finish()?;
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

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut walked = 0;
        let _ = self.snapshot.range_with(self.keyspace, start.., |key, value| {
            each(key, value);
            walked += 1;
            if walked < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        let mut range = self.snapshot.prefix(self.keyspace, []);
        Ok(range.next_entry_back()?.map(|(key, _)| key.to_vec()))
    }
}
