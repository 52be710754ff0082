//! Blocks against sorted vectors: find, and walks both ways.

use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::cursor::{Cursor, EntriesCursor, OwnedEntry};
use crate::entry::{Kind, MAX_SEQUENCE};
use crate::filter::key_hash;

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xff]), 0..5),
        (0_u8..30).prop_map(|number| [&b"a long prefix that many keys share/"[..], &[number]].concat()),
        (0_u32..300, 0_usize..3)
            .prop_map(|(number, more)| { [&number.to_be_bytes()[..], &vec![7; more]].concat() }),
    ]
}

pub(crate) fn entries() -> impl Strategy<Value = Vec<OwnedEntry>> {
    let value = prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..20));
    prop::collection::vec((keys(), 1_u64..12, value), 1..150).prop_map(|mut entries| {
        entries.sort_by(|left, right| crate::entry::compare((&left.0, left.1), (&right.0, right.1)));
        entries.dedup_by(|left, right| left.0 == right.0 && left.1 == right.1);
        entries
    })
}

fn payload_of(entries: &[OwnedEntry]) -> Vec<u8> {
    let mut builder = BlockBuilder::default();
    let mut cursor = EntriesCursor::new(entries.to_vec());
    let mut on = cursor.seek_first().unwrap();
    while on {
        let entry = cursor.entry();
        builder.add(&entry, key_hash(entry.user_key));
        on = cursor.next().unwrap();
    }
    let size = builder.size_bytes();
    let payload = builder.finish().to_vec();
    assert_eq!(size, payload.len());
    payload
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn find_answers_as_a_scan(entries in entries(), others in prop::collection::vec(keys(), 0..40)) {
        let payload = payload_of(&entries);
        let view = BlockView::new(&payload).unwrap();
        let present = entries.iter().map(|entry| entry.0.clone());
        for key in present.chain(others) {
            let hash = key_hash(&key);
            for sequence in [0, 3, 7, 11, MAX_SEQUENCE] {
                let restart = view.restart_between(0, view.restart_count(), &key, sequence).unwrap();
                prop_assert_eq!(view.restart_by_guess(&key, sequence).unwrap(), restart);
                let expected = entries.iter().find(|entry| entry.0 == key && entry.1 <= sequence);
                let found = view.find(&key, hash, sequence).unwrap();
                let found = found.map(|found| {
                    let value = (found.kind == Kind::Put).then(|| found.value.to_vec());
                    (found.user_key.to_vec(), found.sequence, value)
                });
                prop_assert_eq!(found.as_ref(), expected);
            }
        }
    }

    #[test]
    fn positions_walk_as_in_a_sorted_vector(
        entries in entries(), steps in prop::collection::vec((0_u8..10, keys(), 0_u64..13), 0..80),
    ) {
        let payload = payload_of(&entries);
        let view = BlockView::new(&payload).unwrap();
        let mut model = EntriesCursor::new(entries);
        let mut position = BlockPosition::default();
        for (step, key, sequence) in steps {
            let (on, expected) = match step {
                0 => (position.first(view), model.seek_first()),
                1 => (position.last(view), model.seek_last()),
                2 => (position.seek(view, &key, sequence), model.seek(&key, sequence)),
                3 => (position.seek_before(view, &key, sequence), model.seek_before(&key, sequence)),
                4..7 => (position.next(view), model.next()),
                _ => (position.previous(view), model.previous()),
            };
            prop_assert_eq!(on.unwrap(), expected.clone().unwrap());
            if expected.unwrap() {
                prop_assert_eq!(position.entry(&payload), model.entry());
            }
        }
    }

    #[test]
    fn hostile_payloads_end_in_damage_or_answers(mut entries in entries(), flips in
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4))
    {
        entries.truncate(40);
        let mut payload = payload_of(&entries);
        for (at, byte) in flips {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let Ok(view) = BlockView::new(&payload) else { return Ok(()) };
        let mut position = BlockPosition::default();
        for (key, sequence, _) in &entries {
            let _ = view.find(key, key_hash(key), *sequence);
            let _ = position.seek_before(view, key, *sequence).and_then(|_| position.next(view));
        }
        for forward in [true, false] {
            let mut on = if forward { position.first(view) } else { position.last(view) };
            let mut steps = 0;
            while on == Ok(true) && steps < 1000 {
                let _ = position.entry(&payload);
                on = if forward { position.next(view) } else { position.previous(view) };
                steps += 1;
            }
        }
    }
}

fn no_dictionary() -> Result<&'static Dictionary, Error> {
    Err(Error::corrupt("t", 0, "no dictionary"))
}

fn payload_of_stored(stored: &[u8]) -> Result<Vec<u8>, Error> {
    let opened = frame::open(stored, None, "t", 0)?;
    Ok(frame::payload(opened, no_dictionary, "t", 0)?.into_owned())
}

fn compressions() -> Vec<Compression> {
    vec![
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd { level: 3 },
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 3 },
    ]
}

#[test]
fn stored_blocks_come_back_and_every_changed_byte_is_noticed() {
    let payload: Vec<u8> = (0..600_u32).flat_map(|number| (number / 9).to_le_bytes()).collect();
    for compression in compressions() {
        let mut stored = Vec::new();
        let tag = frame::seal(&payload, &mut Compressor::new(compression), None, &mut stored).unwrap();
        frame::verify(&stored, "t", 0).unwrap();
        assert_eq!(payload_of_stored(&stored).unwrap(), payload);
        assert_eq!(frame::tag(&frame::open(&stored, None, "t", 0).unwrap()), Some(tag));
        assert_eq!(tag == Tag::NONE, compression == Compression::None);
        assert!(compression == Compression::None || stored.len() < payload.len());
        for at in 0..stored.len() {
            stored[at] ^= 0x10;
            assert!(matches!(frame::verify(&stored, "t", 9), Err(Error::Corrupt { offset: 9, .. })));
            // Even unverified it ends in an answer or an error.
            let _ = payload_of_stored(&stored);
            stored[at] ^= 0x10;
        }
        for end in 0..stored.len() {
            assert!(frame::verify(&stored[..end], "t", 0).is_err());
        }
    }
}

#[test]
fn what_does_not_shrink_is_stored_as_is() {
    let noise: Vec<u8> =
        (0..500_u64).flat_map(|n| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()).to_le_bytes()).collect();
    for compression in compressions() {
        let mut stored = Vec::new();
        let tag = frame::seal(&noise, &mut Compressor::new(compression), None, &mut stored).unwrap();
        assert_eq!(tag, Tag::NONE);
    }
}

#[test]
fn an_unknown_compression_is_named_unsupported() {
    let mut stored = Vec::new();
    frame::seal(b"payload", &mut Compressor::new(Compression::None), None, &mut stored).unwrap();
    let tag = stored.len() - frame::TRAILER_BYTES;
    stored[tag] = 9;
    assert!(matches!(payload_of_stored(&stored), Err(Error::Unsupported { .. })));
}

#[test]
fn claimed_lengths_allocate_nothing() {
    for tag in [1, 2, 3] {
        let mut stored = u32::MAX.to_le_bytes().to_vec();
        stored.extend_from_slice(&[0; 12]);
        stored.push(tag);
        stored.extend_from_slice(&[0; 8]);
        assert!(payload_of_stored(&stored).is_err());
    }
}

#[test]
fn a_block_of_many_restart_points_finds_every_key() {
    let key = |number: u32| (number * number / 7).to_be_bytes().to_vec();
    let entries: Vec<OwnedEntry> = (100..9000).map(|number| (key(number), 5, Some(Vec::new()))).collect();
    let payload = payload_of(&entries);
    let view = BlockView::new(&payload).unwrap();
    let finds = |key: &[u8]| view.find(key, key_hash(key), MAX_SEQUENCE).unwrap().is_some();
    for number in 90..9010 {
        assert_eq!(finds(&key(number)), (100..9000).contains(&number), "{number}");
        assert!(!finds(&[&key(number)[..], &[0]].concat()));
    }
    assert!(!finds(b"") && !finds(&[255; 9]));
}
