//! Value files as files: what is written is read back, and no byte of one can change unnoticed.
#![cfg_attr(not(feature = "lz4"), allow(unused_imports, reason = "what is compressed is tested with LZ4"))]

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use stroma_strata::storage::{MemoryStorage, Storage as _};

use super::format::{
    FOOTER_BYTES, HEADER_BYTES, PIECE_BYTES, PIECE_FRAME_BYTES, PIECE_HEAD_BYTES, STARTS_PER_PIECE,
    directory_bytes,
};
use super::lookup::Located;
use super::packer::PackedSize;
use super::store::blob_name;
use super::{PackedValue, StoredStream, ValueFile, ValueReference, ValueStore};
use crate::entry::Marked;
use crate::{Compression, Error};

fn value(length: usize, salt: u8) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ salt).collect()
}

/// What nothing compresses.
pub(super) fn noise(length: usize, salt: u64) -> Vec<u8> {
    let mut state = salt;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(byte).collect()
}

/// Compressions that this build has.
const COMPRESSIONS: &[Compression] = &[
    Compression::None,
    #[cfg(feature = "lz4")]
    Compression::Lz4,
    #[cfg(feature = "zstd")]
    Compression::Zstd { level: 1 },
];

type Written = (Arc<ValueStore>, Vec<(ValueReference, Vec<u8>)>);

/// A file with these values.
fn file_with(storage: &MemoryStorage, values: Vec<Vec<u8>>, compression: Compression) -> Written {
    let store = Arc::new(ValueStore::new(Arc::new(storage.clone()), None));
    store.start_epoch(3).unwrap();
    let mut writer = store.create().unwrap();
    let mut size = PackedSize::default();
    let mut write = |value: Vec<u8>| {
        let reference = writer.append(&value, compression).unwrap();
        assert_eq!(reference.packed_bytes, size.packed_bytes(&value, compression));
        (reference, value)
    };
    let values = values.into_iter().map(&mut write).collect();
    store.seal(writer).unwrap();
    (store, values)
}

/// A file with values of these lengths.
fn file_of(storage: &MemoryStorage, lengths: &[usize], compression: Compression) -> Written {
    let values = lengths.iter().enumerate().map(|(number, length)| value(*length, number as u8));
    file_with(storage, values.collect(), compression)
}

const LENGTHS: [usize; 6] = [1, 300, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES];

#[test]
fn values_of_all_lengths_come_back_in_place_and_copied_whole_and_in_pieces() {
    let all = COMPRESSIONS.iter().flat_map(|compression| [(false, *compression), (true, *compression)]);
    for (mapped, compression) in all {
        let storage = MemoryStorage::new();
        storage.set_mapped(mapped);
        let (store, values) = file_of(&storage, &LENGTHS, compression);
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
    for compression in COMPRESSIONS {
        flip_every_byte(*compression);
    }
}

fn flip_every_byte(compression: Compression) {
    let storage = MemoryStorage::new();
    let mut repeated = vec![7; PIECE_BYTES + 900];
    repeated[PIECE_BYTES..].copy_from_slice(&noise(900, 1));
    let values = if compression == Compression::None {
        vec![vec![5; 1], vec![6; 5], value(70, 3)]
    } else {
        vec![vec![5; 1], vec![6; 90], repeated]
    };
    let (store, values) = file_with(&storage, values, compression);
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
            let is_damage = |error| matches!(error, Error::Corrupt { .. });
            if file.read(*reference).is_err_and(is_damage) {
                return true;
            }
            assert_eq!(file.read(*reference).unwrap(), *value);
            // Who reads all of it needs no directory.
            file.verify_value(*reference).is_err_and(is_damage)
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
    let (store, values) = file_of(&storage, &[10, PIECE_BYTES + 10], Compression::None);
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
        ValueReference { packed_bytes: first.length + 28, ..second },
        ValueReference { packed_bytes: second.stored_bytes() + 44, ..second },
        ValueReference { packed_bytes: data_end, ..first },
    ] {
        assert!(file.read(astray).is_err(), "{astray:?}");
        assert!(file.verify_value(astray).is_err(), "{astray:?}");
    }
}

#[cfg(feature = "lz4")]
#[test]
fn what_can_be_compressed_is_small_and_what_cannot_is_as_it_was() {
    let storage = MemoryStorage::new();
    // Some pieces of the last one can be, the others not.
    let mut mixed = noise(10 * PIECE_BYTES + 100, 4);
    mixed[2 * PIECE_BYTES..5 * PIECE_BYTES].fill(0);
    mixed[9 * PIECE_BYTES..].fill(9);
    let values = vec![noise(PIECE_BYTES, 1), noise(3 * PIECE_BYTES, 2), value(PIECE_BYTES, 3), mixed];
    let (store, values) = file_with(&storage, values, Compression::Lz4);
    let file = store.open(values[0].0.file).unwrap();
    file.verify().unwrap();
    let packed: Vec<bool> = values.iter().map(|(reference, _)| reference.packed_bytes > 0).collect();
    assert_eq!(packed, [false, false, true, true]);
    let frames = (11 * PIECE_FRAME_BYTES) as u64 + directory_bytes(11);
    let bytes = values[3].0.stored_bytes();
    assert!(bytes > 6 * PIECE_BYTES as u64 && bytes < 6 * PIECE_BYTES as u64 + frames + 3000, "{bytes}");
    // Copied as they are.
    let mut writer = store.create().unwrap();
    let copies: Vec<_> =
        values.iter().map(|(reference, _)| writer.append_copy(&file, *reference).unwrap()).collect();
    let copied = store.seal(writer).unwrap();
    assert_eq!(storage.contents(&blob_name(copied)).unwrap().len() as u64, file.bytes());
    let copied = store.open(copied).unwrap();
    copied.verify().unwrap();
    for (reference, (original, value)) in copies.into_iter().zip(&values) {
        assert_eq!((reference.length, reference.packed_bytes), (original.length, original.packed_bytes));
        assert!(copied.read(reference).unwrap() == *value);
        copied.verify_value(reference).unwrap();
    }
}

/// Wrong before it got its checksum.
#[cfg(feature = "lz4")]
#[test]
fn a_check_unpacks_what_is_packed() {
    let storage = MemoryStorage::new();
    let store = ValueStore::new(Arc::new(storage), None);
    store.start_epoch(3).unwrap();
    let mut value = Vec::new();
    super::append_marked(&[7; 500], Compression::Lz4, &mut value);
    let Ok(Marked::Packed { pieces }) = Marked::decode(&value) else { panic!("it is packed") };
    for (is_sound, lengthened) in [(true, 0), (false, 1)] {
        // A piece that says it stands for one byte more.
        let mut pieces = pieces.to_vec();
        pieces[PIECE_HEAD_BYTES] += lengthened;
        let mut writer = store.create().unwrap();
        let reference = writer.append_packed(PackedValue::new(&pieces)).unwrap();
        store.seal(writer).unwrap();
        let file = store.open(reference.file).unwrap();
        assert_eq!(file.verify().is_ok(), is_sound);
        assert_eq!(file.verify_value(reference).is_ok(), is_sound);
        assert_eq!(file.read(reference).is_ok(), is_sound);
    }
}

/// Longer than a piece of its directory tells of.
#[cfg(feature = "lz4")]
#[test]
fn parts_of_a_long_packed_value_are_read_in_any_order() {
    let storage = MemoryStorage::new();
    let store = ValueStore::new(Arc::new(storage.clone()), None);
    let length = (STARTS_PER_PIECE + 2) * PIECE_BYTES as u64 + 5;
    let mut source = std::io::repeat(7).take(length - 5).chain(&b"abcde"[..]);
    let stored = store.store_stream(&mut source, 0, Compression::Lz4).unwrap();
    let StoredStream::Stored(reference, file) = stored else { panic!("it is not short") };
    assert!(reference.packed_bytes < length / 100);
    assert_eq!(reference.length, length);
    file.verify_value(reference).unwrap();
    file.verify().unwrap();
    let mut reader = Located::Stored(file, reference).into_reader();
    let piece = PIECE_BYTES as u64;
    let last = STARTS_PER_PIECE * piece;
    for at in [length - 5, last + piece - 1, 0, last - 1, 5 * piece + 3, last, 6 * piece - 1, length - 1] {
        reader.seek(SeekFrom::Start(at)).unwrap();
        let mut two = [0; 2];
        let count = std::io::Read::take(&mut reader, 2).read(&mut two).unwrap();
        let expected = |at: u64| if at < length - 5 { 7 } else { b"abcde"[(at + 5 - length) as usize] };
        assert!(count > 0, "at {at}");
        two[..count].iter().zip(at..).for_each(|(byte, at)| assert_eq!(*byte, expected(at), "at {at}"));
    }
}

#[test]
fn a_stream_becomes_a_file_which_goes_unless_it_is_kept() {
    let storage = MemoryStorage::new();
    let store = ValueStore::new(Arc::new(storage.clone()), None);
    for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES] {
        let value = value(length, 9);
        match store
            .store_stream(&mut value.as_slice(), usize::MAX, COMPRESSIONS[length % COMPRESSIONS.len()])
            .unwrap()
        {
            StoredStream::Short(read) => assert!(read == value && length < PIECE_BYTES),
            StoredStream::Stored(reference, file) => {
                assert_eq!(file.read(reference).unwrap(), value);
                file.verify().unwrap();
            }
        }
        assert_eq!(storage.list("values").unwrap(), [], "{length}");
    }
    let mut failing = std::io::repeat(1).take(300_000).chain(Failing);
    assert!(matches!(
        store.store_stream(&mut failing, usize::MAX, Compression::None),
        Err(Error::Stream { .. })
    ));
    assert_eq!(storage.list("values").unwrap(), []);
}

/// A source that fails at once.
struct Failing;

impl std::io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the line went dead"))
    }
}
