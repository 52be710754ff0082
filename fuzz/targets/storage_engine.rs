//! Bytes in place of one file of a database, a table, a value file, a manifest blob or a log; then opening and reading
//! it.
#![no_main]

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use stroma_lsm::{Database, Options};
use stroma_strata::storage::{LogStorage, MemoryStorage, Storage};

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (which, bytes) = input;
    let storage = MemoryStorage::new();
    if fill(&storage).is_none() {
        return;
    }
    let storage = storage.kill();
    let mut names: Vec<String> = Vec::new();
    for folder in ["layers", "manifest", "values"] {
        names.extend(storage.list(folder).into_iter().flatten().map(|entry| entry.name));
    }
    names.extend(storage.list_logs("log").into_iter().flatten().map(|entry| entry.name));
    let Some(name) = names.get(usize::from(which) % names.len().max(1)) else { return };
    storage.replace(name, bytes);
    if let Ok(database) = Database::open_storage(Arc::new(storage), Options::default())
        && let Ok(keyspace) = database.keyspace("a")
    {
        for entry in keyspace.iter().take(1000) {
            if entry.is_err() {
                break;
            }
        }
        // Parts of a packed value, found through its directory.
        if let Ok(Some(mut reader)) = keyspace.reader(b"long") {
            for at in [150_000, 70_000, u64::from(which) * 1000] {
                let mut part = [0; 100];
                let _ = reader.seek(SeekFrom::Start(at)).and_then(|_| reader.read(&mut part));
            }
        }
        let _ = database.check();
    }
});

/// A database with a table, a value file, a manifest and a log.
fn fill(storage: &MemoryStorage) -> Option<()> {
    let database = Database::open_storage(Arc::new(storage.clone()), Options::default()).ok()?;
    let keyspace = database.keyspace("a").ok()?;
    for number in 0..100_u32 {
        keyspace.put(&number.to_be_bytes(), b"value").ok()?;
    }
    // Values that are made smaller each by itself, in the table and in the log.
    let short = b"a value that repeats itself, ".repeat(12);
    keyspace.put(b"short", &short).ok()?;
    keyspace.put(b"large", vec![7; 20_000]).ok()?;
    keyspace.put(b"long", vec![8; 200_000]).ok()?;
    database.flush().ok()?;
    keyspace.put(b"short in the log", &short).ok()?;
    keyspace.put(b"in the log", b"value").ok().map(drop)
}
