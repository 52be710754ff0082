//! RocksDB, as the system's library. Half the budget is its block cache, half its write buffers; two background
//! threads, as our engine has, and the filter that its own guide recommends.

use std::path::Path;

use rocksdb::{BlockBasedOptions, Cache, DB, Direction, IteratorMode, Options, WriteBatch, WriteOptions};

use super::engine::{Engine, EngineOptions, Pair, Reader, load_in_commits, look_at};
use super::entries::Entry;
use crate::Outcome;

/// Bits a key of its filter: as many as ours and fjall's.
const FILTER_BITS: f64 = 10.0;

/// Values at least this long are kept in blob files, where there are large ones: as long as fjall's.
const LARGE: u64 = 1024;

pub(super) struct RocksdbEngine {
    database: DB,
    write_options: WriteOptions,
}

impl RocksdbEngine {
    pub(super) fn open(folder: &Path, options: EngineOptions) -> Outcome<RocksdbEngine> {
        let half = options.memory_bytes / 2;
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(half)?);
        blocks.set_bloom_filter(FILTER_BITS, false);
        let mut settings = Options::default();
        settings.create_if_missing(true);
        settings.set_block_based_table_factory(&blocks);
        // One memtable is filled while another is flushed.
        settings.set_write_buffer_size(half / 2);
        settings.set_max_write_buffer_number(2);
        settings.set_max_background_jobs(2);
        if options.has_large_values {
            settings.set_enable_blob_files(true);
            settings.set_min_blob_size(LARGE);
            settings.set_enable_blob_gc(true);
        }
        let mut write_options = WriteOptions::default();
        write_options.set_sync(options.is_synced);
        Ok(RocksdbEngine { database: DB::open(&settings, folder)?, write_options })
    }
}

impl Engine for RocksdbEngine {
    fn put(&self, entries: &[Pair<'_>]) -> Outcome {
        if let [(key, value)] = entries {
            return Ok(self.database.put_opt(key, value, &self.write_options)?);
        }
        let mut batch = WriteBatch::default();
        for (key, value) in entries {
            batch.put(key, value);
        }
        Ok(self.database.write_opt(batch, &self.write_options)?)
    }

    fn remove(&self, keys: &[&[u8]]) -> Outcome {
        let mut batch = WriteBatch::default();
        for key in keys {
            batch.delete(key);
        }
        Ok(self.database.write_opt(batch, &self.write_options)?)
    }

    fn remove_range(&self, start: &[u8], end: &[u8]) -> Outcome {
        let mut batch = WriteBatch::default();
        batch.delete_range(start, end);
        Ok(self.database.write_opt(batch, &self.write_options)?)
    }

    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
        load_in_commits(self, entries)
    }

    fn sync(&self) -> Outcome {
        Ok(self.database.flush_wal(true)?)
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome {
        work(&RocksdbReader { snapshot: self.database.snapshot() })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

struct RocksdbReader<'a> {
    snapshot: rocksdb::Snapshot<'a>,
}

impl Reader for RocksdbReader<'_> {
    fn get(&self, key: &[u8]) -> Outcome<bool> {
        let value = self.snapshot.get_pinned(key)?;
        Ok(value.inspect(|value| look_at(value)).is_some())
    }

    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut walked = 0;
        for entry in
            self.snapshot.iterator(IteratorMode::From(start, Direction::Forward)).take(limit as usize)
        {
            let (key, value) = entry?;
            each(&key, &value);
            walked += 1;
        }
        Ok(walked)
    }

    fn last(&self) -> Outcome<Option<Vec<u8>>> {
        let last = self.snapshot.iterator(IteratorMode::End).next().transpose()?;
        Ok(last.map(|(key, _)| key.into_vec()))
    }
}
