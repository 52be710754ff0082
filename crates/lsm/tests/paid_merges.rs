//! Merges that reads have paid for: counted, not timed. Threads of their own make them, so that readers try until they
//! have come.
#![allow(clippy::unwrap_used, reason = "a test may use what it likes")]

use std::ops::ControlFlow;
use std::sync::Arc;

use stroma_lsm::{Database, Keyspace, Options, Upkeep};
use stroma_strata::storage::MemoryStorage;

const ENTRIES: u32 = 10_000;
/// So many rounds of reads are enough on any machine, and end a test in which nothing comes of them.
const MOST_ROUNDS: u32 = 100_000;

fn options(background_threads: usize, read_percent: Option<u8>) -> Options {
    let upkeep = Upkeep { read_percent, ..Upkeep::default() };
    Options { memory_bytes: 16 << 20, background_threads, upkeep, ..Options::default() }
}

/// A run of all entries in the last level, and two of level 0 with every second of them each.
fn load(options: Options) -> (Database, Keyspace) {
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
    let all = database.keyspace("all").unwrap();
    for number in 0..ENTRIES {
        all.put(number.to_be_bytes(), [7; 100]).unwrap();
    }
    database.compact().unwrap();
    for half in 0..2 {
        for number in (half..ENTRIES).step_by(2) {
            all.put(number.to_be_bytes(), [8; 100]).unwrap();
        }
        database.flush().unwrap();
    }
    (database, all)
}

fn runs(database: &Database) -> usize {
    database.statistics().levels.iter().map(|level| level.runs).sum()
}

/// Scans 50 entries from here and there.
fn scan(all: &Keyspace, round: u32) {
    let (start, mut walked) = ((round * 7919 % ENTRIES).to_be_bytes(), 0);
    let _ = all
        .range_with(start.as_slice().., |_, _| {
            walked += 1;
            if walked < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
}

/// Reads until `is_reached`; answers in how many rounds.
fn read_until(mut is_reached: impl FnMut() -> bool, mut read: impl FnMut(u32)) -> u32 {
    let reached = (0..MOST_ROUNDS).find(|round| {
        read(*round);
        round % 100 == 99 && is_reached()
    });
    reached.expect("reads have paid for it long ago")
}

#[test]
fn scans_and_gets_bring_a_tree_to_one_run_and_writes_do_not() {
    for kind in 0..4 {
        let (database, all) = load(options(1, Some(50)));
        assert_eq!((runs(&database), database.statistics().merges_for_readers), (3, 0));
        let key = |round: u32, turn: u32| ((round * 50 + turn) % ENTRIES).to_be_bytes();
        let read = |round: u32| match kind {
            0 => scan(&all, round),
            1 => (0..50).for_each(|turn| {
                all.get_with(key(round, turn), |_| ()).unwrap();
            }),
            2 => {
                let keys: Vec<[u8; 4]> = (0..50).map(|turn| key(round, turn)).collect();
                drop(all.get_many(&keys).unwrap());
            }
            // Backward, which cursors do.
            _ => assert!(all.last().unwrap().is_some()),
        };
        read_until(|| runs(&database) == 1, read);
        assert_eq!(database.statistics().merges_for_readers, 1, "{kind}");
        // With one run there is nothing to pay.
        let written = database.statistics().merge_output_bytes;
        (0..2000).for_each(|round| scan(&all, round));
        assert_eq!(database.statistics().merge_output_bytes, written);
        assert_eq!(
            all.iter().filter(|entry| entry.as_ref().unwrap().1[..] == [8; 100]).count(),
            ENTRIES as usize
        );
    }
}

#[test]
fn without_threads_the_next_writer_who_flushes_merges_what_reads_have_paid_for() {
    for (read_percent, expected) in [(Some(50), 1), (None, 0)] {
        let (database, all) = load(options(0, read_percent));
        (0..6000).for_each(|round| scan(&all, round));
        assert_eq!(runs(&database), 3);
        for number in 0..40_000_u32 {
            all.put((ENTRIES + number).to_be_bytes(), [9; 100]).unwrap();
        }
        assert!(database.statistics().flushes > 3);
        assert_eq!(database.statistics().merges_for_readers, expected);
    }
}

#[test]
fn scans_over_what_memory_deletes_have_it_flushed_and_merged() {
    let (database, all) = load(options(1, Some(50)));
    database.compact().unwrap();
    for number in (0..ENTRIES).filter(|number| number % 10 != 0) {
        all.delete(number.to_be_bytes()).unwrap();
    }
    assert_eq!(runs(&database), 1, "the deletes are in memory");
    let passed_by_scan = || {
        let before = database.statistics().deleted_keys_passed;
        scan(&all, 1);
        database.statistics().deleted_keys_passed - before
    };
    assert!(passed_by_scan() >= 400);
    read_until(|| passed_by_scan() < 10, |round| scan(&all, round));
    assert_eq!(all.iter().count(), ENTRIES as usize / 10);
    let entries: u64 = database.statistics().levels.iter().map(|level| level.entries).sum();
    assert!(entries < u64::from(ENTRIES) / 10 + 10, "{entries}");
}

#[test]
fn nothing_is_merged_for_readers_where_that_is_not_wanted() {
    let (database, all) = load(options(1, None));
    (0..5000).for_each(|round| scan(&all, round));
    assert_eq!((runs(&database), database.statistics().merges), (3, 1));
}
