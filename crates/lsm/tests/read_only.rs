//! Databases opened to be read: alone, many at once, and beside a writer that flushes, merges and deletes under them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use random::Random;
use small::small;
use stroma_lsm::{Database, Durability, Error, Options, RecoveryMode};
use stroma_strata::storage::{LocalStorage, LogStorage, MemoryStorage, Storage as _};

fn options() -> Options {
    Options { memory_bytes: 128 << 10, block_bytes: 256, value_threshold: 400, ..small(8 << 10) }
}

/// Readers keep in memory what the writer has in its log.
fn reading() -> Options {
    Options { memory_bytes: 2 << 20, ..options() }
}

fn storage_of(storage: &MemoryStorage) -> Arc<dyn LogStorage> {
    Arc::new(storage.clone())
}

fn contents(database: &Database) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let keyspace = database.keyspace("all").unwrap();
    let pairs = keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec())));
    pairs.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_was_written_is_read_and_nothing_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("database");
    assert!(matches!(Database::open_read_only(&path, options()), Err(Error::NoDatabase { .. })));
    assert!(!path.exists());
    let writer = Database::open(&path, options()).unwrap();
    let all = writer.keyspace("all").unwrap();
    all.put("table", "1").unwrap();
    writer.flush().unwrap();
    all.put("log", "2").unwrap();
    all.put_stream("streamed", &[7; 200_000][..]).unwrap();

    let before: Vec<_> = files(&path);
    let readers: Vec<Database> =
        (0..3).map(|_| Database::open_read_only(&path, reading()).unwrap()).collect();
    let reader = &readers[0];
    assert!(reader.is_read_only() && !writer.is_read_only());
    assert_eq!(reader.keyspaces(), ["all"]);
    let read = reader.keyspace("all").unwrap();
    assert_eq!(read.get("table").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(read.get("log").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(read.get("streamed").unwrap().as_deref(), Some(&[7; 200_000][..]));
    assert_eq!(contents(reader), contents(&writer));

    let is_refused =
        |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::ReadOnly)), "{outcome:?}");
    is_refused(read.put("a", "b").map(drop));
    is_refused(read.put_stream("a", &[1; 100_000][..]).map(drop));
    is_refused(read.delete("table").map(drop));
    is_refused(read.delete_range("a".."z").map(drop));
    is_refused(reader.drop_keyspace("all").map(drop));
    let ingested = read.ingest().and_then(|mut ingestion| {
        ingestion.add("a", "b")?;
        ingestion.finish()
    });
    is_refused(ingested.map(drop));
    is_refused(reader.flush());
    is_refused(reader.compact());
    is_refused(reader.compact_range::<&[u8]>(&read, ..));
    is_refused(reader.checkpoint(folder.path().join("copy")).map(drop));
    let mut batch = reader.batch();
    batch.put(&read, "a", "b");
    is_refused(batch.commit().map(drop));
    assert!(matches!(reader.keyspace("new"), Err(Error::NoSuchKeyspace { .. })));
    let mut transaction = reader.transaction();
    assert!(transaction.get(&read, "table").unwrap().is_some());
    is_refused(transaction.put(&read, "table", "x"));
    transaction.commit().unwrap();
    assert!(reader.check().is_sound());
    readers.into_iter().for_each(|reader| reader.close().unwrap());
    assert_eq!(files(&path), before);
    all.put("still", "writing").unwrap();
}

fn files(path: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap().flatten() {
        match entry.metadata().unwrap() {
            folder if folder.is_dir() => found.extend(files(&entry.path())),
            file => found.push((entry.path(), file.len())),
        }
    }
    found.sort();
    found
}

#[test]
fn earlier_moments_stay_as_they_were_while_the_writer_merges_them_away() {
    let storage = MemoryStorage::new();
    let writer = Database::open_storage(storage_of(&storage), options()).unwrap();
    let all = writer.keyspace("all").unwrap();
    let mut random = Random(11);
    let mut reader = Database::open_storage_read_only(storage_of(&storage), reading()).unwrap();
    let mut moments = Vec::new();
    for round in 0..60_u64 {
        for _ in 0..40 {
            let key = random.below(300).to_be_bytes();
            match random.below(12) {
                0 => drop(all.delete(key).unwrap()),
                1 => drop(all.delete_range(&key[..]..&(random.below(300)).to_be_bytes()[..]).unwrap()),
                length => drop(all.put(key, vec![round as u8; length as usize * 60]).unwrap()),
            }
        }
        if round % 9 == 3 {
            all.put_stream("long", &vec![round as u8; 100_000][..]).unwrap();
        }
        if round % 11 == 4 {
            let mut ingestion = all.ingest().unwrap();
            for key in 250..320_u64 {
                ingestion.add(key.to_be_bytes(), [round as u8; 30]).unwrap();
            }
            ingestion.finish().unwrap();
        }
        match round % 7 {
            2 => writer.flush().unwrap(),
            5 => writer.compact().unwrap(),
            _ => {}
        }
        assert!(reader.refresh().unwrap());
        assert!(!reader.refresh().unwrap(), "nothing new");
        let now = contents(&writer);
        assert_eq!(contents(&reader), now, "round {round}");
        if round % 5 == 0 {
            moments.push((reader.clone(), reader.snapshot(), now));
        }
    }
    writer.close().unwrap();
    for (moment, snapshot, map) in &moments {
        assert_eq!(&contents(moment), map);
        let keyspace = moment.keyspace("all").unwrap();
        assert_eq!(snapshot.range::<&[u8]>(&keyspace, ..).count(), map.len());
        for (key, value) in map {
            assert_eq!(snapshot.get(&keyspace, key).unwrap().as_deref(), Some(value.as_slice()));
        }
    }
}

#[test]
fn readers_beside_a_busy_writer_see_whole_batches_in_order() {
    let memory = MemoryStorage::new();
    read_while_writing(&|| storage_of(&memory), 1500);
    // Few, since each flush waits for the device.
    let folder = tempfile::tempdir().unwrap();
    read_while_writing(&|| Arc::new(LocalStorage::open(folder.path()).unwrap()), 60);
}

fn read_while_writing(storage: &(dyn Fn() -> Arc<dyn LogStorage> + Sync), rounds: u64) {
    const KEYS: u64 = 40;
    let busy = Options { background_threads: 1, ..options() };
    let writer = Database::open_storage(storage(), busy).unwrap();
    let all = writer.keyspace("all").unwrap();
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let read = || {
        let mut last = 0;
        let mut refreshed = 0;
        let mut reader = Database::open_storage_read_only(storage(), reading()).unwrap();
        while !stop.load(Ordering::Acquire) || refreshed < 3 {
            let promised = acknowledged.load(Ordering::Acquire);
            reader.refresh().unwrap();
            refreshed += 1;
            let keyspace = reader.keyspace("all").unwrap();
            let values: Vec<Vec<u8>> = keyspace.iter().map(|entry| entry.unwrap().1.into_vec()).collect();
            let round = values.first().map_or(0, |value| number_of(value));
            assert!(values.iter().all(|value| number_of(value) == round), "a part of a batch");
            assert!(round == 0 || values.len() as u64 == KEYS);
            assert!(round >= last && round >= promised, "{round}, {last} before, {promised} promised");
            last = round;
        }
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(read)).collect();
        for round in 1..=rounds {
            let mut batch = writer.batch();
            for key in 0..KEYS {
                let mut value = round.to_be_bytes().to_vec();
                value.resize(if (key + round).is_multiple_of(13) { 500 } else { 40 }, 0);
                batch.put(&all, key.to_be_bytes(), value);
            }
            batch.commit().unwrap();
            acknowledged.store(round, Ordering::Release);
            if round % (rounds / 4) == 0 {
                writer.compact().unwrap();
            }
        }
        stop.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

fn number_of(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().unwrap())
}

#[test]
fn a_reader_sees_after_a_loss_of_power_what_the_next_writer_recovers() {
    for seed in 0..60 {
        let storage = MemoryStorage::new();
        let mut random = Random(seed);
        let writer = Database::open_storage(storage_of(&storage), options()).unwrap();
        let all = writer.keyspace("all").unwrap();
        let durabilities = [Durability::None, Durability::Buffered, Durability::Buffered, Durability::Synced];
        for number in 0..20 + random.below(400) {
            let mut batch = writer.batch();
            for _ in 0..3 {
                batch.put(&all, random.below(30).to_be_bytes(), vec![number as u8; 200]);
            }
            batch.commit_with(durabilities[random.below(4) as usize]).unwrap();
        }
        let crashed = storage.crash(seed);
        drop(writer);
        let keep = |options: Options| Options { recovery: RecoveryMode::KeepPrefix, ..options };
        let reader = Database::open_storage_read_only(storage_of(&crashed), keep(reading())).unwrap();
        let before = crashed.list_logs("log").unwrap();
        let seen = reader.keyspaces().first().map(|_| contents(&reader)).unwrap_or_default();
        assert_eq!(crashed.list_logs("log").unwrap(), before);
        let writer = Database::open_storage(storage_of(&crashed), keep(options())).unwrap();
        let recovered = writer.keyspaces().first().map(|_| contents(&writer)).unwrap_or_default();
        assert_eq!(seen, recovered, "seed {seed}");
        assert_eq!(reader.recovery_report().last_sequence, writer.recovery_report().last_sequence);
        let mut reader = reader;
        writer.keyspace("all").unwrap().put("later", "1").unwrap();
        assert!(reader.refresh().unwrap());
        assert_eq!(contents(&reader), contents(&writer), "seed {seed}");
    }
}

#[test]
fn damage_is_damage_and_a_log_too_long_is_told() {
    let storage = MemoryStorage::new();
    let writer = Database::open_storage(storage_of(&storage), Options { memory_bytes: 4 << 20, ..options() });
    let writer = writer.unwrap();
    let all = writer.keyspace("all").unwrap();
    for number in 0..2000_u64 {
        all.put(number.to_be_bytes(), [3; 300]).unwrap();
    }
    let small = Database::open_storage_read_only(storage_of(&storage), options());
    assert!(matches!(small, Err(Error::OutOfMemory { .. })), "{small:?}");
    assert!(Database::open_storage_read_only(storage_of(&storage), reading()).is_ok());
    writer.flush().unwrap();
    let table = storage.list("layers").unwrap().remove(0).name;
    storage.delete(&table).unwrap();
    let missing = Database::open_storage_read_only(storage_of(&storage), reading());
    assert!(matches!(missing, Err(Error::Tables(_))), "{missing:?}");
}
