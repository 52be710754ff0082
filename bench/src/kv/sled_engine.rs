//! sled. What is not synced stays in the memory of its process until its own thread writes it, every half second, so
//! that in loading it promises less than most. It has no snapshots: it is read while nobody writes.

use std::path::Path;

use sled::{Batch, Config, Db};

use super::engine::{Engine, EngineOptions, Entry, Reader, look_at};
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
    fn put(&self, entries: &[Entry]) -> Outcome {
        if let [(key, value)] = entries {
            self.database.insert(key, value.as_slice())?;
        } else {
            let mut batch = Batch::default();
            for (key, value) in entries {
                batch.insert(key.as_slice(), value.as_slice());
            }
            self.database.apply_batch(batch)?;
        }
        if self.is_synced { self.sync() } else { Ok(()) }
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

    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.database.range(start..).take(limit as usize) {
            let (key, value) = entry?;
            look_at(&key);
            look_at(&value);
            walked += 1;
        }
        Ok(walked)
    }
}
