//! Operands, entries that expire and what filters made: read beside the writer, exported and repaired like the rest.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/append.rs"]
mod append;
#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use append::Append;
use random::Random;
use small::small;
use stroma_lsm::{Database, KeyspaceOptions, Options};
use stroma_strata::runtime::ManualClock;
use stroma_strata::storage::{LogStorage, MemoryStorage, PackedStorage, PackedWriter, Storage as _};

fn options(clock: &Arc<ManualClock>, memory_bytes: usize) -> Options {
    Options {
        memory_bytes,
        block_bytes: 256,
        value_threshold: 100,
        clock: clock.clone(),
        keyspaces: BTreeMap::from([("log".to_owned(), KeyspaceOptions::default().merging(Append::APART))]),
        ..small(8 << 10)
    }
}

fn contents(database: &Database) -> BTreeMap<(String, Vec<u8>), Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in database.keyspaces() {
        let keyspace = database.keyspace(&name).unwrap();
        for entry in keyspace.iter() {
            let (key, value) = entry.unwrap();
            assert_eq!(keyspace.get(&key).unwrap().as_deref(), Some(&*value));
            found.insert((name.clone(), key), value.into_vec());
        }
    }
    found
}

#[test]
fn operands_and_expiring_entries_are_read_exported_and_repaired() {
    let clock = Arc::new(ManualClock::new());
    let storage = MemoryStorage::new();
    let shared: Arc<dyn LogStorage> = Arc::new(storage.clone());
    let writer = Database::open_storage(shared.clone(), options(&clock, 96 << 10)).unwrap();
    let (log, brief) = (writer.keyspace("log").unwrap(), writer.keyspace("brief").unwrap());
    let mut random = Random(21);
    let mut reader = Database::open_storage_read_only(shared.clone(), options(&clock, 4 << 20)).unwrap();
    for round in 0..40_u64 {
        for _ in 0..40 {
            let key = random.below(30).to_be_bytes();
            match random.below(12) {
                0 => drop(log.put(key, vec![b'.'; random.below(200) as usize]).unwrap()),
                1 => drop(log.delete(key).unwrap()),
                2 => drop(log.delete_range(&key[..]..&(random.below(30)).to_be_bytes()[..]).unwrap()),
                3..6 => {
                    let value = vec![round as u8; random.below(200) as usize];
                    brief.put_expiring(key, value, Duration::from_secs(1 + random.below(40))).unwrap();
                }
                letter => drop(log.merge(key, [b'a' + letter as u8]).unwrap()),
            }
        }
        clock.advance(Duration::from_secs(3));
        match round % 6 {
            1 => writer.flush().unwrap(),
            4 => writer.compact().unwrap(),
            _ => {}
        }
        let now = contents(&writer);
        reader.refresh().unwrap();
        assert_eq!(contents(&reader), now, "read in round {round}");
        if round % 5 != 3 {
            continue;
        }
        for database in [&writer, &reader] {
            let target = MemoryStorage::new();
            let file = PackedWriter::new(target.create("file").unwrap(), "it").unwrap();
            database.export_into_storage(&file).unwrap();
            file.finish().unwrap();
            let packed = PackedStorage::open(target.open("file").unwrap()).unwrap();
            let exported =
                Database::open_storage_read_only(Arc::new(packed), options(&clock, 4 << 20)).unwrap();
            assert_eq!(contents(&exported), now, "exported in round {round}");
            assert!(exported.check().is_sound(), "{:?}", exported.check());
        }
        let target = MemoryStorage::new();
        let report =
            Database::repair_storage(Arc::new(storage.kill()), &target, options(&clock, 4 << 20)).unwrap();
        assert!(report.is_whole(), "{report:?}");
        let repaired = Database::open_storage(Arc::new(target), options(&clock, 96 << 10)).unwrap();
        assert_eq!(contents(&repaired), now, "repaired in round {round}");
        clock.advance(Duration::from_secs(1));
    }
}
