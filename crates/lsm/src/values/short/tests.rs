//! Short values against what they were made of, against LZ4, and against bytes that nobody packed.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use stroma_strata::storage::MemoryStorage;

use super::value::{LONGEST_VALUE, SHORTEST_VALUE, append_short};
use super::{ShortValue, decoder, encoder};
use crate::commit::Payload;
use crate::log::Operation;
use crate::{Database, Durability, Error, Keyspace, Options};

/// Values of all lengths with something that repeats: runs, words, bytes seen long before.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (any::<u8>(), 1..200_usize).prop_map(|(byte, length)| vec![byte; length]),
        prop::collection::vec(any::<u8>(), 0..80),
        (prop::collection::vec(0..4_u8, 1..24), 1..20_usize).prop_map(|(word, times)| word.repeat(times)),
        (0..6_usize).prop_map(|word| ["name", "\"count\":", "sample", "0.25", "true", ", "][word].into()),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn unpacked(stored: &[u8]) -> Option<Vec<u8>> {
    let value = ShortValue::new(stored).ok()?.unpack().ok();
    let mut scratch = vec![0xaa; 40];
    let again = ShortValue::new(stored).ok()?;
    assert_eq!(again.unpack_to(&mut scratch).ok(), value.as_deref());
    assert_eq!(again.with(<[u8]>::to_vec).ok(), value);
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_was_packed_is_smaller_and_comes_back(value in values()) {
        let mut stored = vec![7; 3];
        if append_short(&value, &mut stored) {
            let stored = &stored[3..];
            prop_assert!((SHORTEST_VALUE..=LONGEST_VALUE).contains(&value.len()));
            prop_assert!(stored.len() < value.len() - value.len() / 8, "a mark comes in front");
            prop_assert_eq!(unpacked(stored), Some(value));
            for end in 0..stored.len() {
                prop_assert!(unpacked(&stored[..end]).is_none(), "cut at {}", end);
            }
            prop_assert!(unpacked(&[stored, &[0x10, 1]].concat()).is_none());
        } else {
            prop_assert_eq!(stored, [7; 3]);
        }
    }

    #[test]
    fn sequences_are_as_many_as_there_may_be_or_none(value in values(), most in 0..2000_usize) {
        let mut sequences = Vec::new();
        if encoder::append_sequences(&value, most, &mut sequences) {
            prop_assert!(sequences.len() <= most);
            let mut scratch = vec![0; value.len()];
            prop_assert!(decoder::unpack_sequences(&sequences, value.len(), &mut scratch).is_some());
            prop_assert_eq!(scratch, value);
        } else {
            prop_assert!(sequences.is_empty());
            // Literals alone would fit.
            prop_assert!(value.len() + 2 + value.len() / 255 > most);
        }
    }

    #[test]
    fn whatever_bytes_there_are_nothing_is_written_behind_the_value(
        sequences in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xff), 0..32_u8], 0..300),
        length in 1..600_usize,
    ) {
        let mut scratch = vec![0x5a; length + decoder::SLACK_BYTES + 64];
        let is_sound = decoder::unpack_sequences(&sequences, length, &mut scratch[..length + decoder::SLACK_BYTES]);
        prop_assert!(scratch[length + decoder::SLACK_BYTES..].iter().all(|byte| *byte == 0x5a));
        // With or without room behind it, and whatever was there before.
        let mut exact = vec![0; length];
        prop_assert_eq!(decoder::unpack_sequences(&sequences, length, &mut exact), is_sound);
        if is_sound.is_some() {
            prop_assert_eq!(&scratch[..length], &exact);
        }
    }

    #[cfg(feature = "lz4")]
    #[test]
    fn lz4_reads_what_we_write_and_we_read_what_it_writes(value in values()) {
        let mut sequences = lz4_flex::block::compress(&value);
        let mut scratch = vec![0; value.len()];
        prop_assert!(decoder::unpack_sequences(&sequences, value.len(), &mut scratch).is_some());
        prop_assert_eq!(&scratch, &value);
        sequences.clear();
        prop_assert!(encoder::append_sequences(&value, usize::MAX, &mut sequences));
        // A last sequence without anything, since ours may end with a match, unlike its.
        let found = [&sequences[..], &[0]].concat();
        let read = [sequences, found].into_iter().find_map(|sequences| {
            lz4_flex::block::decompress(&sequences, value.len()).ok().filter(|read| read.len() == value.len())
        });
        prop_assert_eq!(read, Some(value));
    }
}

#[test]
fn the_bytes_are_those_that_the_format_says() {
    // Eleven literals, then one byte over and over: the last of them is where it came from.
    let value = [&b"0123456789"[..], &[b'x'; 60]].concat();
    let mut stored = Vec::new();
    assert!(append_short(&value, &mut stored));
    let expected = [&[70, 0xbf][..], b"0123456789x", &[1, 0], &[59 - 4 - 15]].concat();
    assert_eq!(stored, expected);
    assert_eq!(unpacked(&expected), Some(value));
}

#[test]
fn the_values_of_benchmarks_save_what_their_zeros_take() {
    let mut value = crate::values::tests::noise(50, 3);
    value.resize(100, 0);
    let mut stored = Vec::new();
    assert!(append_short(&value, &mut stored));
    assert_eq!(stored.len(), 57);
}

#[test]
fn noise_and_what_is_too_short_or_too_long_stays() {
    let mut stored = Vec::new();
    for length in [48, 100, 1000, LONGEST_VALUE] {
        assert!(!append_short(&crate::values::tests::noise(length, 5), &mut stored), "{length}");
    }
    for length in [0, 1, SHORTEST_VALUE - 1, LONGEST_VALUE + 1] {
        assert!(!append_short(&vec![0; length], &mut stored), "{length}");
    }
    assert!(stored.is_empty());
    assert!(
        append_short(&[0; SHORTEST_VALUE], &mut stored) && append_short(&[0; LONGEST_VALUE], &mut stored)
    );
}

#[test]
fn lengths_that_no_short_value_has_and_matches_that_lead_nowhere_are_refused() {
    // No length, none, one longer than any, one in more bytes than it needs.
    for stored in [&b""[..], &[0], &[0, 0], &[0x81, 0x40, 0x10, 0], &[0x85, 0, 0x50, 1, 2, 3, 4, 5], &[0x80]]
    {
        assert!(ShortValue::new(stored).is_err(), "{stored:?}");
    }
    // Back by nothing, back before the beginning, and longer than was said.
    for sequences in
        [&[0x10, 7, 0, 0][..], &[0x10, 7, 2, 0], &[0x11, 7, 1, 0], &[0x00, 1, 0], &[0x1f, 7, 1, 0]]
    {
        assert!(unpacked(&[&[5], sequences].concat()).is_none(), "{sequences:?}");
    }
    assert_eq!(unpacked(&[5, 0x10, 7, 1, 0]), Some(vec![7; 5]));
}

/// A database whose log says that a key has this marked value, and one that is sound after it.
fn with_marked(storage: &MemoryStorage, marked: &[u8]) -> (Database, Keyspace) {
    let options = Options { background_threads: 0, ..Options::default() };
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut payload = Payload::default();
    Operation::encode_put_marked(&mut payload.bytes, &keyspace.key_prefix(), b"key", marked);
    payload.operations = 1;
    keyspace.core().commit(payload, Durability::Buffered, None).unwrap();
    keyspace.put("other", "value").unwrap();
    (database, keyspace)
}

#[test]
fn one_that_stands_for_nothing_is_found_by_every_read_and_by_check() {
    // Cut, of no length, and of fewer bytes or with another match than there can be.
    for marked in [&[8, 100, 0x10, 7][..], &[8], &[8, 60, 0x10, 7, 1, 0], &[8, 9, 0x10, 7, 2, 0]] {
        let storage = MemoryStorage::new();
        let (database, keyspace) = with_marked(&storage, marked);
        for is_flushed in [false, true] {
            if is_flushed {
                database.flush().unwrap();
                let report = database.check();
                assert_eq!(report.damaged.len(), 1, "{report:?}");
            }
            let damaged = |error: Option<Error>| matches!(error, Some(Error::Corrupt { .. }));
            assert!(damaged(keyspace.get("key").err()));
            assert!(damaged(keyspace.get_with("key", <[u8]>::len).err()));
            assert!(damaged(keyspace.get_many(["key"]).err()));
            assert!(damaged(keyspace.iter().find_map(Result::err)));
            assert!(damaged(keyspace.iter().rev().find_map(Result::err)));
            let visited = keyspace.range_with::<&[u8], ()>(.., |_, _| ControlFlow::Continue(()));
            assert!(damaged(visited.err()));
            assert_eq!(keyspace.get("other").unwrap().as_deref(), Some(&b"value"[..]));
        }
    }
}
