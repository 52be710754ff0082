//! redb. Its commits wait for the device or are in memory alone until one does; there is nothing between,
//! so that in loading it promises less than the others.

use std::path::Path;

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

use super::engine::{Engine, EngineOptions, Pair, Reader, look_at};
use super::entries::Entry;
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
        // The table is there from the first moment, whatever becomes of the commits.
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?;
        transaction.commit()?;
        Ok(RedbEngine { database, durability })
    }
}

impl Engine for RedbEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in entries {
            table.insert(*key, *value)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for key in keys {
            table.remove(*key)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn remove_range(&self, start: &[u8], end: &[u8]) -> Outcome {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        transaction.open_table(TABLE)?.retain_in(start..end, |_, _| false)?;
        Ok(transaction.commit()?)
    }

    /// One transaction that waits for the device.
    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        let transaction = self.database.begin_write()?;
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

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut walked = 0;
        for entry in self.table.range(start..)?.take(limit as usize) {
            let (key, value) = entry?;
            each(key.value(), value.value());
            walked += 1;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        Ok(self.table.last()?.map(|(key, _)| key.value().to_vec()))
    }
}
