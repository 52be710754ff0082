//! Figures for the decision records: `cargo test --release -p stroma-lsm --all-features -- --ignored --nocapture
//! measure`.

use std::hint::black_box;
use std::time::Instant;

use stroma_quotient::{Builder, CountingFilter, Shape};

use super::tests::{blob_of, write};
use super::{IndexPolicy, Lookup, Table, TableOptions};
use crate::block::Compression;
use crate::block::measure::watch::Watch;
use crate::block_cache::Caching;
use crate::cursor::{Cursor, OwnedEntry};
use crate::entry::{EntryRef, MAX_SEQUENCE};
use crate::filter::{FilterPolicy, key_hash};
use crate::tombstones::RangeTombstones;

const KEYS: u64 = 1_000_000;
/// A table of so many stays in the processor's caches.
const FEW_KEYS: u64 = 20_000;
const LOOKUPS: u64 = 500_000;

/// Key `number` of a kind of key set; odd numbers are absent.
fn key(kind: &str, number: u64) -> Vec<u8> {
    match kind {
        "counted" => number.to_be_bytes().to_vec(),
        "text" => format!("collection/users/{number:012}").into_bytes(),
        _ => {
            let random = key_hash(&number.to_le_bytes());
            [random.to_be_bytes(), number.to_be_bytes()].concat()
        }
    }
}

fn entries(kind: &str, count: u64) -> Vec<OwnedEntry> {
    // Half of each value is noise, half compresses.
    let value = |number: u64| {
        let noise = (0..7).flat_map(|part| key_hash(&(number * 8 + part).to_le_bytes()).to_le_bytes());
        noise.chain([b'v'; 44]).collect::<Vec<u8>>()
    };
    let mut entries: Vec<OwnedEntry> =
        (0..count).map(|number| (key(kind, 2 * number), number + 1, Some(value(number)))).collect();
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    entries
}

/// Nanoseconds of a lookup, over keys in no order.
fn lookup_time(table: &Table, kind: &str, odd: u64) -> f64 {
    let keys: Vec<Vec<u8>> = (0..LOOKUPS)
        .map(|at| key(kind, 2 * (key_hash(&at.to_le_bytes()) % table.properties().keys) + odd))
        .collect();
    let run = || {
        let start = Instant::now();
        let mut found = 0;
        for key in &keys {
            let length = |entry: EntryRef<'_>| black_box(entry.value).len();
            found += table.get(&Lookup::new(key, MAX_SEQUENCE), length).unwrap().map_or(0, |_| 1);
        }
        assert_eq!(found, if odd == 0 { LOOKUPS } else { 0 });
        start.elapsed().as_nanos() as f64 / LOOKUPS as f64
    };
    run();
    run().min(run())
}

fn walk_time(table: &Table, forward: bool) -> f64 {
    let mut cursor = table.cursor(Caching::Use);
    let start = Instant::now();
    let mut on = if forward { cursor.seek_first() } else { cursor.seek_last() }.unwrap();
    let mut count = 0_u64;
    while on {
        black_box(cursor.entry());
        count += 1;
        on = if forward { cursor.next() } else { cursor.previous() }.unwrap();
    }
    let count = count.max(1);
    start.elapsed().as_nanos() as f64 / count as f64
}

#[test]
#[ignore = "takes a minute and asserts nothing about time"]
fn measure_tables() {
    for (kind, count) in
        [("text", FEW_KEYS), ("random", FEW_KEYS), ("counted", KEYS), ("text", KEYS), ("random", KEYS)]
    {
        let entries = entries(kind, count);
        let settings = [
            ("cost model", Compression::None, IndexPolicy::CostModel),
            ("B-tree", Compression::None, IndexPolicy::BTree),
            ("linear", Compression::None, IndexPolicy::Linear),
            ("S+-tree", Compression::None, IndexPolicy::SPlus),
            ("plain", Compression::None, IndexPolicy::Plain),
            #[cfg(feature = "lz4")]
            ("LZ4", Compression::Lz4, IndexPolicy::CostModel),
            #[cfg(feature = "zstd")]
            ("Zstandard 3", Compression::Zstd { level: 3 }, IndexPolicy::CostModel),
        ];
        for (name, compression, index) in settings {
            let options = TableOptions { compression, index, ..TableOptions::default() };
            let start = Instant::now();
            let file = write(&entries, &RangeTombstones::default(), options);
            let build = start.elapsed().as_nanos() as f64 / count as f64;
            let table = Table::open(blob_of(&file, true)).unwrap();
            println!(
                "{count} {kind}, {name}: {:.1} bytes an entry, build {build:.0} ns; get present {:.0} ns, absent {:.0} \
                 ns; walk {:.1} ns, back {:.1} ns; index {} bytes, memory {} bytes\n  {}",
                file.len() as f64 / count as f64,
                lookup_time(&table, kind, 0),
                lookup_time(&table, kind, 1),
                walk_time(&table, true),
                walk_time(&table, false),
                table.inner.footer.index.length,
                table.memory_bytes(),
                table.properties().index_explanation.replace('\n', "\n  "),
            );
        }
    }
}

#[test]
#[ignore = "prints figures"]
fn measure_filters() {
    let hashes: Vec<u64> = (0..KEYS).map(|number| key_hash(&(2 * number).to_le_bytes())).collect();
    let absent: Vec<u64> = (0..4 * KEYS).map(|number| key_hash(&(2 * number + 1).to_le_bytes())).collect();
    for bits_per_key in [6, 8, 10, 12, 16, 20] {
        let start = Instant::now();
        let (kind, bytes) = FilterPolicy::BlockedBloom { bits_per_key }.build(&hashes);
        let build = start.elapsed().as_nanos() as f64 / KEYS as f64;
        let ask = |hash: &u64| {
            let filter = crate::filter::open(kind, &bytes).unwrap();
            crate::filter::Filter::may_contain(&filter, *hash)
        };
        let start = Instant::now();
        let wrong = absent.iter().filter(|hash| ask(hash)).count();
        let query = start.elapsed().as_nanos() as f64 / absent.len() as f64;
        println!(
            "{bits_per_key} bits: {:.3} bytes a key, {:.3} % false, build {build:.1} ns, absent {query:.1} ns",
            bytes.len() as f64 / KEYS as f64,
            100.0 * wrong as f64 / absent.len() as f64
        );
    }
}

/// The quotient filter as an approximate set, beside `measure_filters`: hashes cut to their upper bits.
#[test]
#[ignore = "prints figures"]
fn measure_quotient_filters() {
    let hashes: Vec<u64> = (0..KEYS).map(|number| key_hash(&(2 * number).to_le_bytes())).collect();
    let absent: Vec<u64> = (0..4 * KEYS).map(|number| key_hash(&(2 * number + 1).to_le_bytes())).collect();
    for key_bits in 25..=37 {
        let shape = Shape::for_slots(KEYS, key_bits).unwrap();
        let cut = |hash: &u64| hash >> (64 - key_bits);
        let start = Instant::now();
        let mut sorted: Vec<u64> = hashes.iter().map(cut).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut builder = Builder::new(shape).unwrap();
        sorted.iter().for_each(|key| builder.push(*key, 1).unwrap());
        let filter = builder.finish().unwrap();
        let build = start.elapsed().as_nanos() as f64 / KEYS as f64;
        let start = Instant::now();
        let wrong = absent.iter().filter(|hash| filter.contains(cut(hash))).count();
        let query = start.elapsed().as_nanos() as f64 / absent.len() as f64;
        let start = Instant::now();
        CountingFilter::open(filter.to_bytes()).unwrap();
        let open = start.elapsed().as_nanos() as f64 / KEYS as f64;
        let start = Instant::now();
        CountingFilter::merge([&filter, &filter]).unwrap();
        let merge = start.elapsed().as_nanos() as f64 / (2 * KEYS) as f64;
        println!(
            "{} remainder bits: {:.3} bytes a key, {:.4} % false, build {build:.1} ns, absent {query:.1} ns, open \
             {open:.1} ns a key, merge {merge:.1} ns a key read",
            shape.remainder_bits(),
            filter.size_bytes() as f64 / KEYS as f64,
            100.0 * wrong as f64 / absent.len() as f64
        );
    }
}

/// A document as an application keeps them: names of fields, an identifier, few words, some numbers.
fn document(number: u64) -> Vec<u8> {
    let mixed = |part: u64| key_hash(&(number * 16 + part).to_le_bytes());
    let word = |part: u64| {
        ["north", "south", "meadow", "river", "harbour", "station", "market", "garden"]
            [(mixed(part) % 8) as usize]
    };
    format!(
        concat!(
            r#"{{"_id":"{:016x}","user":{{"name":"{}-{}","email":"{}{}@example.org","age":{}}},"tags":["{}","{}"],"#,
            r#""status":"{}","score":{}.{:02},"updated":"2026-{:02}-{:02}T{:02}:{:02}:00Z"}}"#,
        ),
        mixed(0), word(1), mixed(2) % 1000, word(3), mixed(3) % 100_000, 18 + mixed(4) % 60, word(5), word(6),
        ["active", "paused", "closed"][(mixed(7) % 3) as usize], mixed(8) % 100, mixed(9) % 100,
        1 + mixed(10) % 12, 1 + mixed(11) % 28, mixed(12) % 24, mixed(13) % 60,
    )
    .into_bytes()
}

#[test]
#[ignore = "prints figures"]
fn measure_compression() {
    let half = entries("random", KEYS / 4);
    let documents: Vec<OwnedEntry> =
        (0..KEYS / 4).map(|number| (key("random", 2 * number), number + 1, Some(document(number)))).collect();
    let documents = super::tests::sorted(documents);
    let settings = [
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd { level: 1 },
        #[cfg(feature = "zstd")]
        Compression::Zstd { level: 3 },
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 1 },
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 3 },
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 9 },
    ];
    for (name, entries) in [("half-compressible", half), ("documents", documents)] {
        for block_bytes in [4096, 16_384] {
            for compression in settings {
                let options = TableOptions { compression, block_bytes, ..TableOptions::default() };
                let watch = Watch::start();
                let file = write(&entries, &RangeTombstones::default(), options);
                let build = watch.seconds() * 1e9 / entries.len() as f64;
                let table = Table::open(blob_of(&file, true)).unwrap();
                println!(
                    "{name}, blocks of {block_bytes}, {compression:?}: {:.1} bytes an entry, dictionary {}; build \
                     {build:.0} ns, get {:.0} ns, walk {:.1} ns",
                    file.len() as f64 / entries.len() as f64,
                    table.inner.footer.dictionary.length,
                    lookup_time(&table, "random", 0),
                    walk_time(&table, true),
                );
            }
        }
    }
}
