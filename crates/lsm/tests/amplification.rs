//! Cleaning in memory keeps overwritten entries off the disk. Bytes are counted, not time, and nothing runs in the
//! background, so that the figures are the same in every run.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;

use std::sync::Arc;

use random::{fill, key, mix, share_of};
use stroma_lsm::{Database, Keyspace, Options, Statistics};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::MemoryStorage;

const ENTRIES: u64 = 20_000;

/// The default levels for a hundredth of the data.
fn options(memory_cleaning: bool) -> Options {
    Options {
        memory_bytes: 1 << 20,
        memory_cleaning,
        background_threads: 0,
        merge_policy: MergePolicy::TieredThenLevelled(Limits {
            level1_bytes: 2 << 20,
            table_bytes: 512 << 10,
            ..Limits::default()
        }),
        ..Options::default()
    }
}

fn put(keyspace: &Keyspace, number: u64, turn: u64) {
    let mut value = [0; 100];
    fill(&mut value, turn);
    keyspace.put(key(number), value).unwrap();
}

/// Ranks by the inverse of the distribution function of a continuous zipfian of exponent 1.
fn rank(turn: u64) -> u64 {
    ((ENTRIES as f64).powf(share_of(mix(turn))) as u64).min(ENTRIES - 1)
}

fn open(memory_cleaning: bool) -> (Database, Keyspace) {
    let storage = Arc::new(MemoryStorage::new());
    let database = Database::open_storage(storage, options(memory_cleaning)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    (database, keyspace)
}

/// Bytes of tables written, and of those and the log, by overwriting everything loaded five times.
fn written_by_overwriting(memory_cleaning: bool) -> (u64, u64) {
    let (database, keyspace) = open(memory_cleaning);
    (0..ENTRIES).for_each(|number| put(&keyspace, number, number));
    database.compact().unwrap();
    let tables = |statistics: &Statistics| statistics.flushed_bytes + statistics.merge_output_bytes;
    let before = database.statistics();
    (0..5 * ENTRIES).for_each(|turn| put(&keyspace, mix(rank(turn)) % ENTRIES, ENTRIES + turn));
    database.flush().unwrap();
    let after = database.statistics();
    assert_eq!(after.absorbed_memtables > 0, memory_cleaning);
    assert!(database.check().is_sound());
    let to_tables = tables(&after) - tables(&before);
    (to_tables, to_tables + after.log_bytes - before.log_bytes)
}

#[test]
fn zipfian_overwrites_write_much_less_with_cleaning() {
    let (plain_tables, plain) = written_by_overwriting(false);
    let (tables, all) = written_by_overwriting(true);
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    let shares = (share(tables, plain_tables), share(all, plain));
    assert!(shares.0 < 0.5 && shares.1 < 0.75, "{shares:?} of {plain_tables} and {plain}");
}

#[test]
fn inserts_are_written_as_if_there_were_no_cleaning() {
    let [plain, cleaned] = [false, true].map(|memory_cleaning| {
        let (database, keyspace) = open(memory_cleaning);
        (0..ENTRIES).for_each(|number| put(&keyspace, number, number));
        database.flush().unwrap();
        let statistics = database.statistics();
        assert_eq!((statistics.absorbed_memtables, statistics.cleaned_bytes), (0, 0));
        (statistics.flushes, statistics.flushed_bytes, statistics.merge_output_bytes, statistics.log_bytes)
    });
    assert_eq!(plain, cleaned);
}

#[test]
fn the_budget_and_the_log_are_kept_to_their_limits() {
    let (database, keyspace) = open(true);
    for turn in 0..5 * ENTRIES {
        put(&keyspace, mix(rank(turn)) % ENTRIES, turn);
        if turn % 500 == 0 {
            let statistics = database.statistics();
            assert!(statistics.memory_used <= statistics.memory_bytes, "{statistics:?}");
            assert!(statistics.resident_log_bytes <= 4 * statistics.memory_bytes as u64);
            assert!(statistics.resident_live_bytes <= statistics.resident_bytes);
        }
    }
}
