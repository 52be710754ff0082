//! Each kind of index finds every key, says what it is, and the compact ones are small.

use super::super::tests::{INDEXES, blob_of, get, small_blocks, sorted, write};
use super::super::{IndexKind, IndexPolicy, Table, TableOptions};
use crate::block::Compression;
use crate::cursor::OwnedEntry;
use crate::filter::key_hash;
use crate::tombstones::RangeTombstones;

#[test]
fn the_kind_of_index_is_recorded_and_explained() {
    let entries: Vec<OwnedEntry> =
        (0..20_000_u64).map(|n| (n.to_be_bytes().to_vec(), 1, Some(vec![0; 20]))).collect();
    for (policy, kind) in [
        (IndexPolicy::BTree, IndexKind::BTree),
        (IndexPolicy::Linear, IndexKind::Linear),
        (IndexPolicy::SPlus, IndexKind::SPlus),
        (IndexPolicy::RadixSpline, IndexKind::RadixSpline),
        (IndexPolicy::Plain, IndexKind::Plain),
    ] {
        let options = TableOptions { index: policy, ..TableOptions::default() };
        let file = write(&entries, &RangeTombstones::default(), options);
        let table = Table::open(blob_of(&file, true)).unwrap();
        let described = table.describe(7, 1);
        assert_eq!((described.id, described.level, described.index_kind), (7, 1, kind));
        assert!(described.index_explanation.contains(&kind.to_string()), "{}", described.index_explanation);
        assert!(described.index_explanation.contains("as asked"), "{}", described.index_explanation);
        assert!(described.blocks > 50 && described.index_bytes > described.blocks / 2);
        for entry in entries.iter().step_by(37) {
            assert_eq!(get(&table, &entry.0, 1).unwrap().as_ref(), Some(entry));
        }
    }
}

/// Keys of which heads tell little: long shared prefixes of many kinds, keys that end in zeros, versions of one key
/// over many blocks, neighbours that differ in the last bit.
fn untold_keys() -> Vec<OwnedEntry> {
    let mut keys: Vec<(Vec<u8>, u64)> = Vec::new();
    for number in 0..4000_u32 {
        let word = format!("shop/country{:02}/a very long street name of {}", number % 30, number / 7 * 5);
        keys.push((word.into_bytes(), 1));
        keys.push(([&b"shop/"[..], &vec![0; number as usize % 40], &number.to_be_bytes()[2..]].concat(), 1));
    }
    keys.push((b"shop".to_vec(), 3));
    keys.extend((1..800).map(|sequence| (b"shop/popular".to_vec(), sequence)));
    keys.extend((1..800).map(|sequence| (b"shop/popular\0".to_vec(), sequence)));
    sorted(keys.into_iter().map(|(key, sequence)| (key, sequence, Some(vec![1; 20]))).collect())
}

#[test]
fn keys_that_heads_do_not_tell_are_found_by_every_kind_of_index() {
    let entries = untold_keys();
    for index in INDEXES {
        let file = write(&entries, &RangeTombstones::default(), small_blocks(Compression::None, index));
        let table = Table::open(blob_of(&file, true)).unwrap();
        // Looks every entry up, and compares the blocks.
        table.verify().unwrap();
        for entry in entries.iter().step_by(11) {
            assert_eq!(get(&table, &entry.0, entry.1).unwrap().as_ref(), Some(entry));
            for absent in [[&entry.0[..], &[0, 0]].concat(), entry.0[..entry.0.len() - 1].to_vec()] {
                let expected = entries.iter().find(|entry| entry.0 == absent && entry.1 <= 700);
                assert_eq!(get(&table, &absent, 700).unwrap().as_ref(), expected);
            }
        }
    }
}

#[test]
fn a_compact_index_takes_a_third_of_a_plain_one() {
    let scattered = |n: u64| key_hash(&n.to_le_bytes()).to_be_bytes().to_vec();
    let kinds: [fn(u64) -> Vec<u8>; 2] = [|n| n.to_be_bytes().to_vec(), scattered];
    for key in kinds {
        let entries = (0..40_000).map(|n| ([&[0, 0, 0, 1][..], &key(n)].concat(), 1, Some(vec![0; 100])));
        let entries = sorted(entries.collect());
        let [compact, plain] = [IndexPolicy::CostModel, IndexPolicy::Plain].map(|index| {
            let options = TableOptions { index, ..TableOptions::default() };
            let file = write(&entries, &RangeTombstones::default(), options);
            Table::open(blob_of(&file, true)).unwrap().describe(0, 0).index_bytes
        });
        assert!(3 * compact <= plain, "{compact} {plain}");
    }
}

#[test]
fn numbers_in_many_paces_are_found() {
    let mut state = 0;
    let mut draw = |limit: u64| {
        state += 1;
        key_hash(&u64::to_le_bytes(state)) % limit
    };
    for turn in 0..60_u64 {
        let bits = draw(56);
        let mut number = draw(1 << 40) << draw(16);
        let entries: Vec<OwnedEntry> = (0..1500 + 100 * turn)
            .map(|_| {
                let pace = draw(1 + bits) / 2;
                number += 1 + draw(1 + (1 << pace));
                ([&[0, 0, 0, 1][..], &number.to_be_bytes()].concat(), 1, Some(vec![0; 30]))
            })
            .collect();
        let file = write(&entries, &RangeTombstones::default(), small_blocks(Compression::None, INDEXES[0]));
        let table = Table::open(blob_of(&file, true)).unwrap();
        if let Err(error) = table.verify() {
            panic!("turn {turn}, {bits} bits: {error}, {}", table.describe(0, 0).index_explanation);
        }
    }
}
