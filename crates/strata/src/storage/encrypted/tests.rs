//! Encrypted blobs: read as they were written, by who has the key, and not changed without being found out.

use std::sync::Arc;

use super::format::{OVERHEAD_BYTES, PIECE_BYTES};
use super::{EncryptedStorage, verify_encrypted};
use crate::encryption::{DataKey, Encryption, EncryptionError, StaticKeys};
use crate::storage::{MemoryStorage, Storage, StorageError, conformance};

fn keys(name: &str, byte: u8) -> Option<Encryption> {
    Some(Encryption::new(Arc::new(StaticKeys::new(name, DataKey::from([byte; 32])).unwrap())))
}

fn over(inner: &MemoryStorage, encryption: Option<Encryption>) -> EncryptedStorage {
    EncryptedStorage::new(Arc::new(inner.clone()), encryption, "owner")
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 % 251) as u8).collect()
}

#[test]
fn it_is_a_storage_like_others_with_keys_and_without() {
    conformance::run_blobs(|| Arc::new(over(&MemoryStorage::new(), keys("a", 1))));
    conformance::run_blobs(|| Arc::new(over(&MemoryStorage::new(), None)));
}

#[test]
fn contents_of_any_length_are_read_anywhere_and_stored_unreadably() {
    let inner = MemoryStorage::new();
    let storage = over(&inner, keys("a", 1));
    for length in [0, 1, 17, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5] {
        let (name, bytes) = (format!("b/{length}"), content(length));
        let mut writer = storage.create(&name).unwrap();
        bytes.chunks(1000).for_each(|chunk| writer.write_all(chunk).unwrap());
        assert_eq!(writer.position(), length as u64);
        assert_eq!(writer.seal().unwrap(), length as u64);
        let blob = storage.open(&name).unwrap();
        assert_eq!((blob.len(), blob.read_all().unwrap() == bytes), (length as u64, true));
        for (from, to) in [(0, length / 2), (length / 3, length), (length.saturating_sub(20), length)] {
            let mut part = vec![0; to - from];
            blob.read_exact_at(from as u64, &mut part).unwrap();
            assert!(part == bytes[from..to], "{length} {from} {to}");
        }
        assert!(matches!(blob.read_exact_at(length as u64, &mut [0]), Err(StorageError::OutOfBounds { .. })));
        let stored = inner.contents(&name).unwrap();
        if length > 100 {
            assert!(!stored.windows(50).any(|window| window == &bytes[..50]));
        }
        verify_encrypted(&*inner.open(&name).unwrap()).unwrap();
        assert_eq!(storage.key_id(&name).unwrap().as_deref(), Some("a"));
    }
}

#[test]
fn keys_that_do_not_do_and_plain_blobs_are_typed_errors() {
    let inner = MemoryStorage::new();
    over(&inner, keys("a", 1)).put_if_absent("b/1", b"secret").unwrap();
    let refused = |encryption, name: &str| match over(&inner, encryption).open(name).map(drop) {
        Err(StorageError::Encryption(error)) => error,
        outcome => panic!("{outcome:?}"),
    };
    assert!(matches!(refused(keys("a", 2), "b/1"), EncryptionError::Key { .. }));
    assert!(matches!(refused(keys("b", 1), "b/1"), EncryptionError::Key { .. }));
    assert!(matches!(refused(None, "b/1"), EncryptionError::NoProvider { .. }));
    over(&inner, None).put_if_absent("b/2", b"plain").unwrap();
    assert_eq!(inner.contents("b/2").unwrap(), b"plain");
    assert!(matches!(refused(keys("a", 1), "b/2"), EncryptionError::NotEncrypted { .. }));
    let adopting = keys("a", 1).map(Encryption::adopting_plain_files);
    assert_eq!(over(&inner, adopting).open("b/2").unwrap().read_all().unwrap(), b"plain");
}

#[test]
fn every_change_is_found() {
    let inner = MemoryStorage::new();
    let storage = over(&inner, keys("a", 1));
    let bytes = content(2 * PIECE_BYTES + 100);
    storage.put_if_absent("b/1", &bytes).unwrap();
    storage.put_if_absent("b/2", &bytes).unwrap();
    let whole = inner.contents("b/1").unwrap();
    let is_found = |changed: &[u8], name: &str| {
        let other = MemoryStorage::new();
        other.put_if_absent(name, changed).unwrap();
        let read = over(&other, keys("a", 1)).open(name).and_then(|blob| blob.read_all());
        read.is_err()
    };
    assert!(!is_found(&whole, "b/1"));
    for at in (0..whole.len()).step_by(997).chain(0..150).chain(whole.len() - 150..whole.len()) {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        assert!(is_found(&changed, "b/1"), "byte {at}");
    }
    // Cut where a piece ends, in the place of another, a piece in the place of another.
    let piece = PIECE_BYTES + OVERHEAD_BYTES;
    let last = 100 + OVERHEAD_BYTES;
    for end in [0, 20, whole.len() - 1, whole.len() - last, whole.len() - last - piece] {
        assert!(is_found(&whole[..end], "b/1"), "cut at {end}");
    }
    assert!(is_found(&whole, "b/2"));
    let start = whole.len() - last - 2 * piece;
    let swapped =
        [&whole[..start], &whole[start + piece..start + 2 * piece], &whole[start..start + piece]].concat();
    assert!(is_found(&[&swapped[..], &whole[start + 2 * piece..]].concat(), "b/1"));
    // The same blob, as if it belonged to somebody else.
    let stranger = EncryptedStorage::new(Arc::new(inner), keys("a", 1), "stranger");
    assert!(stranger.open("b/1").unwrap().read_all().is_err());
}
