//! Packed files: what was put in comes out, hostile bytes are an error, and every changed byte is found.

use std::sync::Arc;

use super::*;
use crate::storage::{Blob, LogStorage, MemoryStorage, Storage, StorageError};

const BLOBS: [(&str, usize); 5] = [("FORMAT", 3), ("a/1", 5000), ("a/2", 0), ("a/b/c", 4096), ("z", 1)];

fn bytes_of(name: &str, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + name.len()) as u8 | 1).collect()
}

fn packed(storage: &MemoryStorage) -> Arc<dyn Blob> {
    let writer = PackedWriter::new(storage.create("file").unwrap(), "the file").unwrap();
    for (name, length) in BLOBS {
        writer.put_if_absent(name, &bytes_of(name, length)).unwrap();
    }
    assert!(matches!(writer.put_if_absent("z", b"again"), Err(StorageError::AlreadyExists { .. })));
    assert_eq!(writer.list("a").unwrap().len(), 2);
    assert!(storage.open("file").is_err(), "nobody sees it before it is finished");
    let bytes = writer.finish().unwrap();
    let file = storage.open("file").unwrap();
    assert_eq!(file.len(), bytes);
    file
}

#[test]
fn what_was_put_in_comes_out_and_nothing_can_be_changed() {
    let storage = PackedStorage::open(packed(&MemoryStorage::new())).unwrap();
    for (name, length) in BLOBS {
        let blob = storage.open(name).unwrap();
        assert_eq!(blob.read_all().unwrap(), bytes_of(name, length), "{name}");
        assert!(blob.mapped().is_none_or(|mapped| mapped == bytes_of(name, length)));
        assert!(blob.read_exact_at(length as u64, &mut [0]).is_err());
    }
    let names = |storage: &PackedStorage, folder| -> Vec<String> {
        storage.list(folder).unwrap().into_iter().map(|entry| entry.name).collect()
    };
    assert_eq!(names(&storage, ""), ["FORMAT", "z"]);
    assert_eq!(names(&storage, "a"), ["a/1", "a/2"]);
    let folder = storage.folder("a");
    assert_eq!(names(&folder, ""), ["1", "2"]);
    assert_eq!(names(&folder, "b"), ["b/c"]);
    assert_eq!(folder.folder("b").open("c").unwrap().len(), 4096);
    assert!(matches!(folder.open("z"), Err(StorageError::NotFound { .. })));
    assert!(storage.verify().iter().all(|(_, damage)| damage.is_none()));
    assert!(storage.list_logs("log").unwrap().is_empty());
    for refused in [storage.delete("z"), storage.put_if_absent("y", b""), storage.lock().map(drop)] {
        assert!(matches!(refused, Err(StorageError::ReadOnly { .. })));
    }
}

#[test]
fn an_empty_file_and_one_that_was_given_up() {
    let memory = MemoryStorage::new();
    let writer = PackedWriter::new(memory.create("empty").unwrap(), "it").unwrap();
    writer.finish().unwrap();
    let storage = PackedStorage::open(memory.open("empty").unwrap()).unwrap();
    assert_eq!(storage.blobs().count(), 0);

    let writer = PackedWriter::new(memory.create("given-up").unwrap(), "it").unwrap();
    let mut first = writer.create("a").unwrap();
    assert!(writer.create("b").is_err(), "one at a time");
    first.write_all(b"half").unwrap();
    drop(first);
    assert!(writer.create("b").is_err());
    assert!(writer.finish().is_err());
    assert!(memory.open("given-up").is_err());
}

/// Bytes as a file.
fn as_file(bytes: &[u8]) -> Arc<dyn Blob> {
    let memory = MemoryStorage::new();
    memory.put_if_absent("file", bytes).unwrap();
    memory.open("file").unwrap()
}

#[test]
fn every_changed_byte_is_found_and_every_cut() {
    let whole = packed(&MemoryStorage::new()).read_all().unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let found = PackedStorage::open(as_file(&changed))
            .map_or(true, |storage| storage.verify().iter().any(|(_, damage)| damage.is_some()));
        assert!(found, "byte {at}");
    }
    for end in (0..whole.len()).rev().step_by(13) {
        assert!(PackedStorage::open(as_file(&whole[..end])).is_err(), "cut at {end}");
    }
    let mut newer = whole.clone();
    newer[8] = 9;
    assert!(matches!(PackedStorage::open(as_file(&newer)), Err(StorageError::NewerFormat { found: 9, .. })));
}

#[test]
fn directories_under_right_checksums_that_lie_are_refused() {
    use super::format::{Directory, Entry, encode, head};
    let file = |directory: &Directory| {
        let mut bytes = head().to_vec();
        bytes.resize(3 * 4096, 0);
        let offset = bytes.len() as u64;
        bytes.extend(encode(directory, offset));
        PackedStorage::open(as_file(&bytes))
    };
    let entry = |offset, length| Entry { offset, length, checksum: 0 };
    assert!(file(&[("a".to_owned(), entry(4096, 8192))].into()).is_ok());
    for bad in
        [entry(0, 1), entry(4097, 1), entry(4096, 8193), entry(8192, u64::MAX), entry(u64::MAX - 4095, 1)]
    {
        assert!(file(&[("a".to_owned(), bad)].into()).is_err(), "{bad:?}");
    }
    let overlapping = [("a".to_owned(), entry(4096, 5000)), ("b".to_owned(), entry(8192, 1))];
    assert!(file(&overlapping.into()).is_err());
    for name in ["", "../a", "LOCK", "/etc/passwd"] {
        assert!(file(&[(name.to_owned(), entry(4096, 1))].into()).is_err(), "{name}");
    }
}
