//! Bytes in place of a database in one file, whole or changed under right checksums of its ends; then opening, reading
//! and checking it.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use stroma_lsm::{Database, Options};
use stroma_strata::storage::{MemoryStorage, PackedStorage, PackedWriter, Storage};
use xxhash_rust::xxh3::xxh3_64;

const FOOTER_BYTES: usize = 48;

fuzz_target!(|input: (u8, u32, Vec<u8>)| {
    let (how, at, given) = input;
    let bytes = match how % 3 {
        0 => given,
        which => {
            let Some(mut whole) = exported() else { return };
            let at = at as usize % whole.len();
            let end = (at + given.len()).min(whole.len());
            whole[at..end].copy_from_slice(&given[..end - at]);
            if which == 2 {
                mend(&mut whole);
            }
            whole
        }
    };
    let storage = MemoryStorage::new();
    if storage.put_if_absent("file", &bytes).is_err() {
        return;
    }
    let Ok(file) = storage.open("file") else { return };
    let Ok(packed) = PackedStorage::open(file) else { return };
    if let Ok(database) = Database::open_storage_read_only(Arc::new(packed), Options::default()) {
        for name in database.keyspaces() {
            let Ok(keyspace) = database.keyspace(&name) else { continue };
            for entry in keyspace.iter().take(1000) {
                if entry.is_err() {
                    break;
                }
            }
        }
        let _ = database.check();
    }
});

fn exported() -> Option<Vec<u8>> {
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), Options::default()).ok()?;
    let keyspace = database.keyspace("a").ok()?;
    for number in 0..100_u32 {
        keyspace.put(number.to_be_bytes(), b"value").ok()?;
    }
    keyspace.put(b"large", vec![7; 20_000]).ok()?;
    let storage = MemoryStorage::new();
    let file = PackedWriter::new(storage.create("file").ok()?, "the file").ok()?;
    database.export_into_storage(&file).ok()?;
    file.finish().ok()?;
    storage.open("file").ok()?.read_all().ok()
}

/// Makes the checksums of directory and footer right, so that what they say is believed.
fn mend(bytes: &mut [u8]) {
    let Some(footer) = bytes.len().checked_sub(FOOTER_BYTES) else { return };
    let number = |bytes: &[u8], at: usize| {
        bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes) as usize
    };
    let start = number(bytes, footer);
    let end = start.saturating_add(number(bytes, footer + 8));
    if let Some(directory) = bytes.get(start..end) {
        let checksum = xxh3_64(directory);
        bytes[footer + 16..footer + 24].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = xxh3_64(&bytes[footer..footer + 40]);
    bytes[footer + 40..].copy_from_slice(&checksum.to_le_bytes());
}
