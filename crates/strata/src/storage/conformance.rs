//! What every backend must do, as checks that panic: each backend's tests run them.

use std::io::Read as _;
use std::sync::Arc;

use super::{LogStorage, MemoryStorage, Storage, StorageError};

/// Runs every check, each on a fresh storage from `make`.
///
/// # Panics
/// When a check fails, with what was expected.
pub fn run(make: impl Fn() -> Arc<dyn LogStorage>) {
    run_blobs(|| make() as Arc<dyn Storage>);
    for check in [logs_keep_order, logs_are_listed_apart] {
        check(&*make());
    }
}

/// Runs the checks of [`Storage`] alone, for a backend without logs.
///
/// # Panics
/// When a check fails, with what was expected.
pub fn run_blobs(make: impl Fn() -> Arc<dyn Storage>) {
    for check in [
        a_sealed_blob_reads_back,
        an_unsealed_blob_is_never_seen,
        nothing_is_overwritten,
        listings_are_sorted_and_flat,
        deletion_is_idempotent,
        reads_stay_in_bounds,
        hostile_names_are_refused,
        large_writes_keep_order,
        copies_are_apart,
    ] {
        check(&*make());
    }
    racing_puts_have_one_winner(&make());
}

fn a_sealed_blob_reads_back(storage: &dyn Storage) {
    let mut writer = storage.create("layers/1").expect("create");
    writer.write_all(b"hello ").expect("write");
    writer.write_all(b"").expect("write nothing");
    writer.write_all(b"world").expect("write");
    assert_eq!(writer.position(), 11);
    assert_eq!(writer.seal().expect("seal"), 11);
    let blob = storage.open("layers/1").expect("open");
    assert_eq!((blob.name(), blob.len(), blob.is_empty()), ("layers/1", 11, false));
    assert_eq!(blob.read_all().expect("read"), b"hello world");
    let mut part = [0; 5];
    blob.read_exact_at(6, &mut part).expect("read a part");
    assert_eq!(&part, b"world");
    if let Some(mapped) = blob.mapped() {
        assert_eq!(mapped, b"hello world");
    }
    storage.put_if_absent("layers/2", b"").expect("put an empty blob");
    assert!(storage.open("layers/2").expect("open").is_empty());
}

fn copies_are_apart(storage: &dyn Storage) {
    let other = MemoryStorage::new();
    let bytes: Vec<u8> = (0..2_500_000_u32).map(|number| number as u8).collect();
    for (name, bytes) in [("layers/1", bytes.as_slice()), ("layers/2", b""), ("layers/3", b"3")] {
        other.put_if_absent(name, bytes).expect("put");
        assert_eq!(storage.copy_from(&other, name).expect("copy"), bytes.len() as u64);
        assert_eq!(storage.open(name).expect("open").read_all().expect("read"), bytes);
    }
    assert!(matches!(storage.copy_from(&other, "layers/3"), Err(StorageError::AlreadyExists { .. })));
    assert!(matches!(storage.share_from(&other, "layers/3"), Err(StorageError::AlreadyExists { .. })));
    assert!(matches!(storage.copy_from(&other, "layers/4"), Err(StorageError::NotFound { .. })));
    assert!(matches!(storage.share_from(&other, "layers/4"), Err(StorageError::NotFound { .. })));
    other.delete("layers/1").expect("delete");
    assert_eq!(storage.open("layers/1").expect("open").read_all().expect("read"), bytes);
}

fn an_unsealed_blob_is_never_seen(storage: &dyn Storage) {
    let mut writer = storage.create("a/x").expect("create");
    writer.write_all(&vec![7; 1 << 20]).expect("write");
    assert!(storage.list("a").expect("list").is_empty());
    assert!(storage.list("").expect("list").is_empty());
    assert!(matches!(storage.open("a/x"), Err(StorageError::NotFound { .. })));
    drop(writer);
    assert!(storage.list("a").expect("list").is_empty());
    storage.put_if_absent("a/x", b"the name is free").expect("put");
}

fn nothing_is_overwritten(storage: &dyn Storage) {
    storage.put_if_absent("m/1", b"first").expect("put");
    let again = storage.put_if_absent("m/1", b"second");
    assert!(matches!(again, Err(StorageError::AlreadyExists { .. })), "{again:?}");
    let mut one = storage.create("m/2").expect("create");
    let mut two = storage.create("m/2").expect("two writers of one name may start");
    one.write_all(b"one").expect("write");
    two.write_all(b"two").expect("write");
    two.seal().expect("the first to seal wins");
    let late = one.seal();
    assert!(matches!(late, Err(StorageError::AlreadyExists { .. })), "{late:?}");
    assert_eq!(storage.open("m/1").expect("open").read_all().expect("read"), b"first");
    assert_eq!(storage.open("m/2").expect("open").read_all().expect("read"), b"two");
}

fn listings_are_sorted_and_flat(storage: &dyn Storage) {
    for name in ["b/2", "b/10", "b/1", "b/deep/1", "c/1", "bb/1", "root"] {
        storage.put_if_absent(name, name.as_bytes()).expect("put");
    }
    let names = |folder| {
        let entries = storage.list(folder).expect("list");
        assert!(entries.iter().all(|entry| entry.bytes == entry.name.len() as u64));
        entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(names("b"), ["b/1", "b/10", "b/2"]);
    assert_eq!(names("b/deep"), ["b/deep/1"]);
    assert_eq!(names("nowhere"), [""; 0]);
    assert_eq!(names(""), ["root"]);
}

fn deletion_is_idempotent(storage: &dyn Storage) {
    storage.delete("d/1").expect("delete what never was");
    storage.put_if_absent("d/1", b"x").expect("put");
    storage.delete("d/1").expect("delete");
    storage.delete("d/1").expect("delete again");
    assert!(matches!(storage.open("d/1"), Err(StorageError::NotFound { .. })));
    assert!(storage.list("d").expect("list").is_empty());
    storage.put_if_absent("d/1", b"y").expect("put again");
}

fn reads_stay_in_bounds(storage: &dyn Storage) {
    storage.put_if_absent("e/1", b"0123456789").expect("put");
    let blob = storage.open("e/1").expect("open");
    for (offset, length) in [(0, 11), (10, 1), (11, 0), (u64::MAX, 1), (u64::MAX, 0)] {
        let outcome = blob.read_exact_at(offset, &mut vec![0; length]);
        assert!(
            matches!(outcome, Err(StorageError::OutOfBounds { .. })),
            "{length} bytes at {offset}: {outcome:?}"
        );
    }
    blob.read_exact_at(10, &mut []).expect("nothing at the end");
}

fn hostile_names_are_refused(storage: &dyn Storage) {
    for name in ["", "/etc/passwd", "../x", "a/../../x", ".tmp/1", "a//b", "a\0b", "LOCK"] {
        let refused = |error: Option<StorageError>| {
            assert!(matches!(error, Some(StorageError::InvalidName { .. })), "{name:?}: {error:?}");
        };
        refused(storage.create(name).err());
        refused(storage.put_if_absent(name, b"x").err());
        refused(storage.open(name).err());
        refused(storage.delete(name).err());
    }
}

fn large_writes_keep_order(storage: &dyn Storage) {
    let mut writer = storage.create("f/1").expect("create");
    let mut expected = Vec::new();
    for (step, size) in [1, 300_000, 5, 262_144, 0, 262_143, 2, 100_000].into_iter().enumerate() {
        let bytes = vec![step as u8; size];
        writer.write_all(&bytes).expect("write");
        expected.extend_from_slice(&bytes);
    }
    assert_eq!(writer.seal().expect("seal"), expected.len() as u64);
    assert_eq!(storage.open("f/1").expect("open").read_all().expect("read"), expected);
}

fn racing_puts_have_one_winner(storage: &Arc<dyn Storage>) {
    std::thread::scope(|scope| {
        let put = |writer: u8| storage.put_if_absent("g/1", &[writer; 64]).is_ok();
        let racers: Vec<_> = (0..4u8).map(|writer| scope.spawn(move || put(writer))).collect();
        let winners: Vec<bool> = racers.into_iter().map(|racer| racer.join().expect("no panic")).collect();
        assert_eq!(winners.iter().filter(|won| **won).count(), 1);
        let winner = winners.iter().position(|won| *won).expect("one won") as u8;
        assert_eq!(storage.open("g/1").expect("open").read_all().expect("read"), [winner; 64]);
    });
}

fn logs_keep_order(storage: &dyn LogStorage) {
    let mut log = storage.create_log("logs/1").expect("create");
    assert!(log.is_empty());
    let mut expected = Vec::new();
    for (step, size) in [10, 300_000, 0, 262_144, 7].into_iter().enumerate() {
        let bytes = vec![step as u8 + 1; size];
        log.append(&bytes).expect("append");
        expected.extend_from_slice(&bytes);
        assert_eq!(log.len(), expected.len() as u64);
    }
    log.flush().expect("flush");
    expect_log(storage, &expected);
    log.append(b"more").expect("append");
    log.sync().expect("sync");
    expected.extend_from_slice(b"more");
    expect_log(storage, &expected);
    assert!(matches!(storage.create_log("logs/1"), Err(StorageError::AlreadyExists { .. })));
}

/// Reads a log while it is written.
fn expect_log(storage: &dyn LogStorage, expected: &[u8]) {
    let mut bytes = Vec::new();
    let mut reader = storage.read_log("logs/1").expect("open");
    let length = reader.len();
    reader.read_to_end(&mut bytes).expect("read");
    assert_eq!(length, bytes.len() as u64);
    let (whole, room) = bytes.split_at(expected.len());
    assert!(whole == expected, "the log reads back in order");
    assert!(room.iter().all(|byte| *byte == 0), "nothing but room behind the log");
}

fn logs_are_listed_apart(storage: &dyn LogStorage) {
    for name in ["logs/2", "logs/1"] {
        storage.create_log(name).expect("create").sync().expect("sync");
    }
    let names: Vec<String> =
        storage.list_logs("logs").expect("list").into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["logs/1", "logs/2"]);
    storage.delete_log("logs/1").expect("delete");
    storage.delete_log("logs/1").expect("delete again");
    assert_eq!(storage.list_logs("logs").expect("list").len(), 1);
    assert!(matches!(storage.read_log("logs/1"), Err(StorageError::NotFound { .. })));
    assert!(matches!(storage.create_log("../x"), Err(StorageError::InvalidName { .. })));
}
