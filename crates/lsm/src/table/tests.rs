//! Tables against sorted vectors, whole and damaged.

use std::sync::Arc;

use proptest::prelude::*;
use stroma_strata::encryption::{DataKey, Encryption, StaticKeys};
use stroma_strata::storage::{Blob, MemoryStorage, Storage};

use super::*;
use crate::Error;
use crate::block::Compression;
use crate::block_cache::Caching;
use crate::cursor::{Cursor, EntriesCursor, OwnedEntry};
use crate::entry::{EntryRef, Kind, MAX_KEY_BYTES, MAX_SEQUENCE, compare};
use crate::merging::Visibility;
use crate::tombstones::RangeTombstones;

pub(super) const INDEXES: [IndexPolicy; 6] = [
    IndexPolicy::CostModel,
    IndexPolicy::BTree,
    IndexPolicy::Linear,
    IndexPolicy::SPlus,
    IndexPolicy::RadixSpline,
    IndexPolicy::Plain,
];

pub(super) fn small_blocks(compression: Compression, index: IndexPolicy) -> TableOptions {
    TableOptions { block_bytes: 90, compression, index, ..TableOptions::default() }
}

pub(crate) fn write(entries: &[OwnedEntry], tombstones: &RangeTombstones, options: TableOptions) -> Vec<u8> {
    let mut file = Vec::new();
    let mut builder = TableBuilder::new(&mut file, options).unwrap();
    for (user_key, sequence, value) in entries {
        let kind = if value.is_some() { Kind::Put } else { Kind::Delete };
        let value = value.as_deref().unwrap_or_default();
        builder.add(&EntryRef { user_key, sequence: *sequence, kind, value }).unwrap();
    }
    let summary = builder.finish(tombstones).unwrap();
    assert_eq!(summary.file_bytes, file.len() as u64);
    assert_eq!(summary.properties.entries, entries.len() as u64);
    file
}

pub(crate) fn blob_of(file: &[u8], mapped: bool) -> Arc<dyn Blob> {
    let storage = MemoryStorage::new();
    storage.set_mapped(mapped);
    storage.put_if_absent("t", file).unwrap();
    storage.open("t").unwrap()
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xff]), 0..5),
        (0_u8..60).prop_map(|number| [&b"a long prefix that many keys share/"[..], &[number]].concat()),
        (0_u32..1000).prop_map(|number| format!("user{number:06}").into_bytes()),
    ]
}

pub(super) fn sorted(mut entries: Vec<OwnedEntry>) -> Vec<OwnedEntry> {
    entries.sort_by(|left, right| compare((&left.0, left.1), (&right.0, right.1)));
    entries.dedup_by(|left, right| left.0 == right.0 && left.1 == right.1);
    entries
}

fn entries() -> impl Strategy<Value = Vec<OwnedEntry>> {
    let value = || prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..30));
    prop_oneof![
        3 => prop::collection::vec((keys(), 1_u64..12, value()), 0..200),
        // All keys share a prefix; and many versions of few keys, which span blocks.
        1 => prop::collection::vec(((0_u16..500).prop_map(|n| format!("k/{n:05}").into_bytes()), 1_u64..4,
            value()), 0..300),
        1 => prop::collection::vec(((0_u8..3).prop_map(|n| vec![n; 9]), 1_u64..200, value()), 0..200),
    ]
    .prop_map(sorted)
}

fn options() -> impl Strategy<Value = TableOptions> {
    let compression = prop::sample::select(vec![
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd { level: 1 },
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 1 },
    ]);
    let index = prop::sample::select(INDEXES.to_vec());
    (compression, index).prop_map(|(compression, index)| small_blocks(compression, index))
}

pub(super) fn get(table: &Table, key: &[u8], sequence: u64) -> Result<Option<OwnedEntry>, Error> {
    table.get(&Lookup::new(key, sequence), |found| {
        let value = (found.kind == Kind::Put).then(|| found.value.to_vec());
        (found.user_key.to_vec(), found.sequence, value)
    })
}

fn all(table: &Table) -> Result<Vec<OwnedEntry>, Error> {
    let mut cursor = table.cursor(Caching::Use);
    let mut entries = Vec::new();
    let mut on = cursor.seek_first()?;
    while on {
        let entry = cursor.entry();
        let value = (entry.kind == Kind::Put).then(|| entry.value.to_vec());
        entries.push((entry.user_key.to_vec(), entry.sequence, value));
        on = cursor.next()?;
    }
    Ok(entries)
}

fn walk_alike(
    cursor: &mut dyn Cursor,
    model: &mut EntriesCursor,
    steps: Vec<(u8, Vec<u8>, u64)>,
) -> Result<(), TestCaseError> {
    for (step, key, sequence) in steps {
        let (on, expected) = match step {
            0 => (cursor.seek_first(), model.seek_first()),
            1 => (cursor.seek_last(), model.seek_last()),
            2 | 3 => (cursor.seek(&key, sequence), model.seek(&key, sequence)),
            4 | 5 => (cursor.seek_before(&key, sequence), model.seek_before(&key, sequence)),
            6..13 => (cursor.next(), model.next()),
            _ => (cursor.previous(), model.previous()),
        };
        prop_assert_eq!(on.unwrap(), expected.clone().unwrap());
        if expected.unwrap() {
            prop_assert_eq!(cursor.entry(), model.entry());
        }
    }
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<(u8, Vec<u8>, u64)>> {
    prop::collection::vec((0_u8..20, keys(), 0_u64..13), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..Default::default() })]

    #[test]
    fn lookups_answer_as_a_scan(
        entries in entries(), options in options(), mapped: bool, others in prop::collection::vec(keys(), 0..40),
    ) {
        let file = write(&entries, &RangeTombstones::default(), options);
        let table = Table::open(blob_of(&file, mapped)).unwrap();
        let present = entries.iter().map(|entry| entry.0.clone());
        for key in present.chain(others) {
            for sequence in [0, 3, 7, 100, MAX_SEQUENCE] {
                let expected = entries.iter().find(|entry| entry.0 == key && entry.1 <= sequence);
                let found = get(&table, &key, sequence).unwrap();
                prop_assert_eq!(found.as_ref(), expected);
            }
        }
        table.verify().unwrap();
    }

    #[test]
    fn cursors_walk_as_in_a_sorted_vector(
        entries in entries(), options in options(), mapped: bool, steps in steps(),
    ) {
        let file = write(&entries, &RangeTombstones::default(), options);
        let table = Table::open(blob_of(&file, mapped)).unwrap();
        prop_assert_eq!(&all(&table).unwrap(), &entries);
        walk_alike(&mut table.cursor(Caching::Use), &mut EntriesCursor::new(entries), steps)?;
    }

    #[test]
    fn levels_walk_as_one_table(
        entries in entries(), options in options(), cuts in prop::collection::vec(keys(), 0..6), steps in steps(),
    ) {
        let mut tables = Vec::new();
        let mut rest = &entries[..];
        for cut in sorted(cuts.into_iter().map(|key| (key, 1, None)).collect()).iter().map(|entry| &entry.0) {
            let (part, after) = rest.split_at(rest.partition_point(|entry| entry.0 < *cut));
            rest = after;
            if !part.is_empty() {
                tables.push(write(part, &RangeTombstones::default(), options.clone()));
            }
        }
        if !rest.is_empty() {
            tables.push(write(rest, &RangeTombstones::default(), options));
        }
        let tables: Vec<Table> =
            tables.iter().map(|file| Table::open(blob_of(file, true)).unwrap()).collect();
        let mut level = LevelCursor::new(tables.into_iter().map(Into::into).collect(), Caching::Use);
        walk_alike(&mut level, &mut EntriesCursor::new(entries), steps)?;
    }
}

fn sample() -> (Vec<OwnedEntry>, RangeTombstones) {
    let entries = (0..60_u64).map(|number| {
        let value = (number % 7 != 0).then(|| vec![number as u8; (number % 11) as usize]);
        (format!("key {:03}", number / 2).into_bytes(), 1 + number % 2, value)
    });
    let mut tombstones = RangeTombstones::default();
    tombstones.insert(b"key 010", b"key 020", 9);
    tombstones.insert(b"key 015", b"zebra", 7);
    (sorted(entries.collect()), tombstones)
}

fn compressions() -> Vec<Compression> {
    vec![
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
    ]
}

/// Opens, verifies and reads all; whatever is answered must be the truth.
fn read_damaged(file: &[u8], mapped: bool, entries: &[OwnedEntry], tombstones: &RangeTombstones, what: &str) {
    let Ok(table) = Table::open(blob_of(file, mapped)) else { return };
    assert!(table.verify().is_err(), "{what}: passes verification");
    assert_eq!(**table.tombstones(), *tombstones, "{what}");
    if let Ok(read) = all(&table) {
        assert_eq!(read, entries, "{what}: a scan");
    }
    for entry in entries {
        if let Ok(read) = get(&table, &entry.0, entry.1) {
            assert_eq!(read.as_ref(), Some(entry), "{what}: a lookup");
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let (entries, tombstones) = sample();
    for compression in compressions() {
        let mut options = small_blocks(compression, IndexPolicy::CostModel);
        options.block_bytes = 256;
        let mut file = write(&entries, &tombstones, options);
        Table::open(blob_of(&file, true)).unwrap().verify().unwrap();
        for at in 0..file.len() {
            let flip = 1 << (at % 8);
            file[at] ^= flip;
            read_damaged(&file, at % 2 == 0, &entries, &tombstones, &format!("byte {at} changed"));
            file[at] ^= flip;
        }
    }
}

#[test]
fn every_truncation_and_extension_is_noticed() {
    let (entries, tombstones) = sample();
    let file = write(&entries, &tombstones, small_blocks(Compression::None, IndexPolicy::CostModel));
    for end in 0..file.len() {
        assert!(Table::open(blob_of(&file[..end], true)).is_err(), "cut at {end}");
    }
    for more in [1, 8, 136] {
        let longer = [&file[..], &vec![0; more]].concat();
        assert!(Table::open(blob_of(&longer, true)).is_err());
    }
}

#[test]
fn a_damaged_block_spoils_only_itself() {
    let (entries, tombstones) = sample();
    let mut file = write(&entries, &tombstones, small_blocks(Compression::None, IndexPolicy::CostModel));
    file[20] ^= 1;
    let table = Table::open(blob_of(&file, true)).unwrap();
    let first = get(&table, &entries[0].0, MAX_SEQUENCE).unwrap_err();
    assert!(matches!(first, Error::Corrupt { offset: 16, .. }), "{first}");
    let last = entries.last().unwrap();
    assert_eq!(get(&table, &last.0, last.1).unwrap().as_ref(), Some(last));
    let mut cursor = table.cursor(Caching::Use);
    assert!(cursor.seek_last().unwrap());
    while let Ok(true) = cursor.previous() {}
    assert!(cursor.previous().is_err(), "the error sticks");
    assert!(cursor.seek_last().is_err(), "the error sticks");
}

#[test]
fn blocks_are_read_in_place_where_the_file_is_mapped() {
    let (entries, tombstones) = sample();
    let file = write(&entries, &tombstones, TableOptions::default());
    for mapped in [true, false] {
        let storage = MemoryStorage::new();
        storage.set_mapped(mapped);
        storage.put_if_absent("t", &file).unwrap();
        let table = Table::open(storage.open("t").unwrap()).unwrap();
        assert!(get(&table, &entries[0].0, MAX_SEQUENCE).unwrap().is_some());
        assert_eq!(table.inner.payload(0, Caching::Use).is_ok_and(|payload| payload.is_in_place()), mapped);
    }
}

#[test]
fn tables_of_nothing_or_only_range_deletes_are_tables() {
    let (_, tombstones) = sample();
    for tombstones in [RangeTombstones::default(), tombstones] {
        let file = write(&[], &tombstones, TableOptions::default());
        let table = Table::open(blob_of(&file, true)).unwrap();
        table.verify().unwrap();
        assert_eq!(get(&table, b"key 011", MAX_SEQUENCE).unwrap(), None);
        assert!(all(&table).unwrap().is_empty());
        assert!(!table.cursor(Caching::Use).seek_before(b"z", 1).unwrap());
        let properties = table.properties();
        if tombstones.is_empty() {
            assert_eq!(properties.smallest_key, b"");
        } else {
            assert_eq!(
                (&properties.smallest_key[..], &properties.largest_key[..]),
                (&b"key 010"[..], &b"zebra"[..])
            );
            assert_eq!((properties.smallest_sequence, properties.largest_sequence), (7, 9));
            assert_eq!(table.tombstones().newest(b"key 016", Visibility::at(8)), Some(7));
        }
    }
}

#[test]
fn the_longest_keys_and_values_beyond_a_block_come_back() {
    let key = |number: u8, length: usize| vec![number; length];
    let entries: Vec<OwnedEntry> = sorted(vec![
        (Vec::new(), 5, Some(vec![1; 70_000])),
        (Vec::new(), 4, Some(Vec::new())),
        (key(1, MAX_KEY_BYTES), 3, Some(b"x".to_vec())),
        (key(1, MAX_KEY_BYTES), 2, None),
        (key(1, MAX_KEY_BYTES - 1), 9, Some(vec![2; 10_000])),
        (key(255, MAX_KEY_BYTES), 9, Some(Vec::new())),
    ]);
    let file = write(&entries, &RangeTombstones::default(), TableOptions::default());
    let table = Table::open(blob_of(&file, true)).unwrap();
    table.verify().unwrap();
    assert_eq!(all(&table).unwrap(), entries);
    for entry in &entries {
        assert_eq!(get(&table, &entry.0, entry.1).unwrap().as_ref(), Some(entry));
    }
    let mut sink = Vec::new();
    let mut builder = TableBuilder::new(&mut sink, TableOptions::default()).unwrap();
    let long = key(1, MAX_KEY_BYTES + 1);
    let entry = EntryRef { user_key: &long, sequence: 1, kind: Kind::Put, value: b"" };
    assert!(matches!(builder.add(&entry), Err(Error::TooLarge { what: "key", .. })));
}

/// Documents that differ in a few places, as many as asked for.
#[cfg(feature = "zstd")]
fn documents(count: u64) -> Vec<OwnedEntry> {
    let document = |number: u64| {
        let mixed = crate::filter::key_hash(&number.to_le_bytes());
        let name = ["alpha", "bravo", "charlie", "delta"][(mixed % 4) as usize];
        format!(
            r#"{{"_id":{number},"name":"{name}","reading":{},"unit":"mmol/l","valid":true}}"#,
            mixed % 10_000
        )
    };
    let entry =
        |number: u64| (number.to_be_bytes().to_vec(), number + 1, Some(document(number).into_bytes()));
    (0..count).map(entry).collect()
}

#[cfg(feature = "zstd")]
#[test]
fn a_dictionary_is_trained_and_kept_where_it_pays() {
    let trained = TableOptions {
        block_bytes: 512,
        compression: Compression::ZstdTrained { level: 3 },
        ..TableOptions::default()
    };
    let plain = TableOptions { compression: Compression::Zstd { level: 3 }, ..trained.clone() };
    // Few enough to be decided at the end, and so many that blocks follow the sample.
    for count in [2_000, 30_000] {
        let entries = documents(count);
        let file = write(&entries, &RangeTombstones::default(), trained.clone());
        let without = write(&entries, &RangeTombstones::default(), plain.clone());
        assert!(file.len() < without.len() * 9 / 10, "{} of {} bytes", file.len(), without.len());
        let table = Table::open(blob_of(&file, true)).unwrap();
        let told = table.describe(1, 0);
        assert_eq!(told.compressed.zstd_with_dictionary, told.blocks);
        assert!((256..=16 << 10).contains(&told.dictionary_bytes), "{told:?}");
        table.verify().unwrap();
        assert_eq!(all(&table).unwrap(), entries);
    }
    // Noise, and a table that is all too small: none.
    let noise = |number: u64| {
        let bytes =
            (0..9).flat_map(|part| crate::filter::key_hash(&(number * 9 + part).to_le_bytes()).to_le_bytes());
        (number.to_be_bytes().to_vec(), 1, Some(bytes.collect()))
    };
    for entries in [(0..2_000).map(noise).collect(), documents(20)] {
        let table =
            Table::open(blob_of(&write(&entries, &RangeTombstones::default(), trained.clone()), true));
        let table = table.unwrap();
        assert_eq!(table.describe(1, 0).dictionary_bytes, 0);
        table.verify().unwrap();
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_hostile_dictionary_is_an_error() {
    let options = TableOptions {
        block_bytes: 512,
        compression: Compression::ZstdTrained { level: 3 },
        ..TableOptions::default()
    };
    let entries = documents(2_000);
    let file = write(&entries, &RangeTombstones::default(), options);
    let footer = |file: &[u8]| {
        let (head, foot) = (&file[..16], file.last_chunk().unwrap());
        footer::Footer::decode(head, foot, "t", file.len() as u64).unwrap()
    };
    let dictionary = footer(&file).dictionary;
    let (start, end) = (dictionary.offset as usize, (dictionary.offset + dictionary.length) as usize);
    let mut hostile: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 100],
        vec![7; 70_000],
        [&0xec30_a437_u32.to_le_bytes()[..], &[0xff; 300]].concat(),
        file[start..end - 1].to_vec(),
    ];
    for at in 0..80 {
        let mut changed = file[start..end].to_vec();
        changed[at] ^= 0x41;
        hostile.push(changed);
    }
    for dictionary in hostile {
        let mut changed = footer(&file);
        changed.dictionary = footer::Section::of(start as u64, &dictionary);
        changed.envelope = footer::Section::of(changed.dictionary.end(), &[]);
        let properties = &file[end..file.len() - footer::FOOTER_BYTES];
        changed.properties = footer::Section::of(changed.dictionary.end(), properties);
        let file = [&file[..start], &dictionary, properties, &changed.encode()].concat();
        let table = Table::open(blob_of(&file, true)).unwrap();
        // Changed content may give other entries; they end in an answer or an error all the same.
        if let Err(error) = all(&table) {
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        }
        assert!(table.verify().is_err() || all(&table).unwrap() == entries);
    }
}

fn encrypted(compression: Compression) -> (TableOptions, TableKeys) {
    let keys = StaticKeys::new("a", DataKey::from([1; 32])).unwrap();
    let encryption = Some(Encryption::new(Arc::new(keys)));
    let options = TableOptions {
        block_bytes: 256,
        encryption: encryption.clone(),
        ..small_blocks(compression, IndexPolicy::CostModel)
    };
    (options, TableKeys { encryption, number: 0 })
}

#[test]
fn every_changed_byte_of_an_encrypted_table_is_noticed() {
    let (entries, tombstones) = sample();
    for compression in compressions() {
        let (options, keys) = encrypted(compression);
        let mut file = write(&entries, &tombstones, options);
        assert!(!file.windows(3).any(|window| window == b"key"));
        let open = |file: &[u8], mapped| Table::open_with(blob_of(file, mapped), keys.clone(), None, 0);
        let table = open(&file, true).unwrap();
        table.verify().unwrap();
        assert_eq!(table.key_id(), Some("a"));
        assert_eq!(all(&table).unwrap(), entries);
        for at in (0..file.len()).step_by(3) {
            file[at] ^= 1 << (at % 8);
            if let Ok(table) = open(&file, at % 2 == 0) {
                assert!(table.verify().is_err(), "byte {at}: passes verification");
                assert!(all(&table).is_ok_and(|read| read == entries) || all(&table).is_err(), "byte {at}");
            }
            file[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn what_is_put_elsewhere_in_an_encrypted_table_is_found_though_checksums_hold() {
    // Entries of one length, so that blocks are of one length.
    let entries: Vec<OwnedEntry> =
        (0..40_u8).map(|number| (vec![b'k', number], 1, Some(vec![number; 60]))).collect();
    let (options, keys) = encrypted(Compression::None);
    let file = write(&entries, &RangeTombstones::default(), options);
    let open = |file: &[u8], keys: &TableKeys| Table::open_with(blob_of(file, true), keys.clone(), None, 0);
    let table = open(&file, &keys).unwrap();
    let range = |block: usize| {
        let range = table.inner.index.block_range(&*table.inner.blob, block);
        range.start as usize..range.end as usize
    };
    let (first, second) = (range(1), range(2));
    assert_eq!(first.len(), second.len());
    let mut swapped = file.clone();
    swapped[first.clone()].copy_from_slice(&file[second.clone()]);
    swapped[second].copy_from_slice(&file[first]);
    let read = all(&open(&swapped, &keys).unwrap()).unwrap_err();
    assert!(read.to_string().contains("not what was encrypted there"), "{read}");
    // The same file under another name, and a footer that somebody made to fit.
    let renamed = open(&file, &TableKeys { number: 1, ..keys.clone() }).unwrap_err();
    assert!(renamed.to_string().contains("not what was encrypted there"), "{renamed}");
    let (head, foot) = (&file[..16], file.last_chunk().unwrap());
    let mut footer = footer::Footer::decode(head, foot, "t", file.len() as u64).unwrap();
    footer.filter_kind = 0;
    let forged = [&file[..file.len() - footer::FOOTER_BYTES], &footer.encode()].concat();
    assert!(matches!(open(&forged, &keys), Err(Error::Corrupt { .. })));
}
