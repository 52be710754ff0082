//! sled. What is not synced stays in the memory of its process until its own thread writes it, every half second, so
//! that in loading it promises less than most. It has no snapshots: it is read while nobody writes.

use std::path::Path;

use sled::{Batch, Config, Db};

use super::engine::{Engine, EngineOptions, Pair, Reader, load_in_commits, look_at};
use super::entries::Entry;
use crate::Outcome;

pub(super) struct SledEngine {
    database: Db,
    is_synced: bool,
}

impl SledEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<SledEngine> {
        let database = Config::new().path(folder).cache_capacity(options.memory_bytes as u64).open()?;
        Ok(SledEngine { database, is_synced: options.is_synced })
    }
}

impl Engine for SledEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        if let [(key, value)] = entries {
            self.database.insert(key, *value)?;
        } else {
            let mut batch = Batch::default();
            for (key, value) in entries {
                batch.insert(*key, *value);
            }
            self.database.apply_batch(batch)?;
        }
        if self.is_synced { self.sync() } else { Ok(()) }
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut batch = Batch::default();
        for key in keys {
            batch.remove(*key);
        }
        Ok(self.database.apply_batch(batch)?)
    }

    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        load_in_commits(self, entries)
    }

    fn sync(&self) -> Outcome {
        self.database.flush()?;
        Ok(())
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&SledReader { database: &self.database })
    }

    fn close(self: Box<Self>) -> Outcome {
        self.sync()
    }
}

struct SledReader<'a> {
    database: &'a Db,
}

impl Reader for SledReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        let value = self.database.get(key)?;
        Ok(value.inspect(|value| look_at(value)).is_some())
    }

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.database.range(start..).take(limit as usize) {
            let (key, value) = entry?;
            each(&key, &value);
            walked += 1;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        Ok(self.database.last()?.map(|(key, _)| key.to_vec()))
    }
}
