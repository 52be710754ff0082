//! Value files as files: what is written is read back, and no byte of one can change unnoticed.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use stroma_strata::storage::{MemoryStorage, Storage as _};

use super::format::{FOOTER_BYTES, HEADER_BYTES, PIECE_BYTES};
use super::lookup::Located;
use super::store::blob_name;
use super::{StoredStream, ValueFile, ValueReference, ValueStore};
use crate::Error;

fn value(length: usize, salt: u8) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ salt).collect()
}

/// A file with values of these lengths.
fn file_of(storage: &MemoryStorage, lengths: &[usize]) -> (Arc<ValueStore>, Vec<(ValueReference, Vec<u8>)>) {
    let store = Arc::new(ValueStore::new(Arc::new(storage.clone()), None));
    store.start_epoch(3).unwrap();
    let mut writer = store.create().unwrap();
    let values = lengths.iter().enumerate().map(|(number, length)| {
        let value = value(*length, number as u8);
        (writer.append(&value).unwrap(), value)
    });
    let values = values.collect();
    store.seal(writer).unwrap();
    (store, values)
}

const LENGTHS: [usize; 6] = [1, 300, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES];

#[test]
fn values_of_all_lengths_come_back_in_place_and_copied_whole_and_in_pieces() {
    for mapped in [false, true] {
        let storage = MemoryStorage::new();
        storage.set_mapped(mapped);
        let (store, values) = file_of(&storage, &LENGTHS);
        let file = store.open(values[0].0.file).unwrap();
        file.verify().unwrap();
        for (reference, value) in &values {
            assert_eq!(file.read(*reference).unwrap(), *value);
            let mut reader = Located::Stored(file.clone(), *reference).into_reader();
            assert_eq!(reader.len(), value.len() as u64);
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, *value);
            let middle = value.len() as u64 / 2;
            assert_eq!(reader.seek(SeekFrom::End(-(middle as i64))).unwrap(), value.len() as u64 - middle);
            read.clear();
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, value[value.len() - middle as usize..]);
            reader.seek(SeekFrom::Start(u64::MAX)).unwrap();
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
            assert!(
                reader.seek(SeekFrom::Current(i64::MIN)).and(reader.seek(SeekFrom::End(-1 << 40))).is_err()
            );
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let lengths = [1, 5, 70];
    let storage = MemoryStorage::new();
    let (store, values) = file_of(&storage, &lengths);
    let name = blob_name(values[0].0.file);
    let bytes = storage.contents(&name).unwrap();
    drop(store);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        storage.replace(&name, damaged);
        let file = match ValueFile::inspect(storage.open(&name).unwrap(), None) {
            Ok(file) => file,
            Err(_) => continue,
        };
        assert!(file.verify().is_err(), "byte {at}");
        let touched = values.iter().filter(|(reference, value)| {
            // The read that touches it says so; the others do not care.
            file.read(*reference).is_err_and(|error| matches!(error, Error::Corrupt { .. })) || {
                assert_eq!(file.read(*reference).unwrap(), *value);
                false
            }
        });
        assert_eq!(touched.count(), 1, "byte {at}");
    }
    for length in 0..bytes.len() {
        storage.replace(&name, bytes[..length].to_vec());
        assert!(ValueFile::inspect(storage.open(&name).unwrap(), None).is_err(), "cut at {length}");
    }
}

#[test]
fn references_that_lead_astray_are_refused() {
    let storage = MemoryStorage::new();
    let (store, values) = file_of(&storage, &[10, PIECE_BYTES + 10]);
    let file = store.open(values[0].0.file).unwrap();
    let (first, second) = (values[0].0, values[1].0);
    let data_end = file.bytes() - FOOTER_BYTES as u64;
    for astray in [
        ValueReference { file: first.file + 1, ..first },
        ValueReference { offset: 0, ..first },
        ValueReference { offset: first.offset + 1, ..first },
        ValueReference { offset: data_end, ..first },
        ValueReference { offset: HEADER_BYTES as u64, length: data_end, ..first },
        ValueReference { length: 9, ..first },
        ValueReference { length: PIECE_BYTES as u64, ..second },
        ValueReference { length: second.length - 1, ..second },
        ValueReference { length: u64::MAX / 2, ..second },
    ] {
        assert!(file.read(astray).is_err(), "{astray:?}");
    }
}

#[test]
fn a_stream_becomes_a_file_which_goes_unless_it_is_kept() {
    let storage = MemoryStorage::new();
    let store = ValueStore::new(Arc::new(storage.clone()), None);
    for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES] {
        let value = value(length, 9);
        match store.store_stream(&mut value.as_slice(), usize::MAX).unwrap() {
            StoredStream::Short(read) => assert!(read == value && length < PIECE_BYTES),
            StoredStream::Stored(reference, file) => {
                assert_eq!(file.read(reference).unwrap(), value);
                file.verify().unwrap();
            }
        }
        assert_eq!(storage.list("values").unwrap(), [], "{length}");
    }
    let mut failing = std::io::repeat(1).take(300_000).chain(Failing);
    assert!(matches!(store.store_stream(&mut failing, usize::MAX), Err(Error::Stream { .. })));
    assert_eq!(storage.list("values").unwrap(), []);
}

/// A source that fails at once.
struct Failing;

impl std::io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the line went dead"))
    }
}
