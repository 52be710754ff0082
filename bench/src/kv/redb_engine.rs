//! redb. Its commits wait for the device or are in memory alone until one does; there is nothing between,
//! so that in loading it promises less than the others.

use std::path::Path;

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::engine::{Engine, EngineOptions, Entry, Reader, look_at};
use crate::Outcome;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("all");

pub(super) struct RedbEngine {
    database: Database,
    durability: Durability,
}

impl RedbEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<RedbEngine> {
        std::fs::create_dir_all(folder)?;
        let database =
            Database::builder().set_cache_size(options.memory_bytes).create(folder.join("redb"))?;
        let durability = if options.is_synced { Durability::Immediate } else { Durability::None };
        Ok(RedbEngine { database, durability })
    }
}

impl Engine for RedbEngine {
    fn put(&self, entries: &[Entry]) -> Outcome {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in entries {
            table.insert(key.as_slice(), value.as_slice())?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn sync(&self) -> Outcome {
        Ok(self.database.begin_write()?.commit()?)
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&RedbReader { table: self.database.begin_read()?.open_table(TABLE)? })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

struct RedbReader {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl Reader for RedbReader {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        let value = self.table.get(key)?;
        Ok(value.inspect(|value| look_at(value.value())).is_some())
    }

    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.table.range(start..)?.take(limit as usize) {
            let (key, value) = entry?;
            look_at(key.value());
            look_at(value.value());
            walked += 1;
        }
        Ok(walked)
    }
}
