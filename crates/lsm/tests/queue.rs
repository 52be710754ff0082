//! Scans after many deletes: what they step over is counted, not timed, and nothing runs in the background.
#![allow(clippy::unwrap_used, reason = "a test may use what it likes")]

use std::sync::Arc;

use stroma_lsm::{Compression, Database, Keyspace, Options};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::MemoryStorage;

fn open() -> (Database, Keyspace) {
    open_with(Options::default().merge_policy)
}

fn open_with(merge_policy: MergePolicy) -> (Database, Keyspace) {
    let options = Options {
        memory_bytes: 1 << 20,
        background_threads: 0,
        merge_policy,
        // What one byte fills is to take as much as it says.
        value_compression: Compression::None,
        ..Options::default()
    };
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
    let queue = database.keyspace("queue").unwrap();
    (database, queue)
}

fn passed(database: &Database) -> u64 {
    database.statistics().deleted_keys_passed
}

#[test]
fn the_head_of_a_queue_is_found_in_a_few_steps_however_much_was_taken() {
    const ENTRIES: u64 = 30_000;
    let (database, queue) = open();
    for number in 0..ENTRIES {
        queue.put(number.to_be_bytes(), [7; 40]).unwrap();
    }
    let mut most = 0;
    for number in 0..ENTRIES {
        queue.put((ENTRIES + number).to_be_bytes(), [7; 40]).unwrap();
        let before = passed(&database);
        let (head, _) = queue.first().unwrap().unwrap();
        most = most.max(passed(&database) - before);
        assert_eq!(head, number.to_be_bytes());
        queue.delete(&head).unwrap();
    }
    let each = passed(&database) as f64 / ENTRIES as f64;
    assert!(each < 100.0, "{each} deleted keys were passed for each head");
    assert!(most <= 200, "{most} deleted keys were passed for one head");
    // From the other end: pop the tail.
    let before = passed(&database);
    for number in (ENTRIES + 1000..2 * ENTRIES).rev() {
        let (tail, _) = queue.last().unwrap().unwrap();
        assert_eq!(tail, number.to_be_bytes());
        queue.delete(&tail).unwrap();
    }
    let each = (passed(&database) - before) as f64 / ENTRIES as f64;
    assert!(each < 100.0, "{each} deleted keys were passed for each tail");
    assert_eq!(queue.iter().count(), 1000);
}

/// A million, as counted: what is passed for a head does not grow with what was taken before it, whatever memory and
/// tables hold by then.
#[test]
fn a_queue_of_a_million_is_as_quick_at_its_end_as_at_its_beginning() {
    const ENTRIES: u64 = 1_000_000;
    const AT_ONCE: u64 = 500;
    let (database, queue) = open();
    let mut taken = 0;
    let mut most_of_tenth = [0; 10];
    for start in (0..ENTRIES).step_by(AT_ONCE as usize) {
        let mut batch = database.batch();
        for number in start..start + AT_ONCE {
            batch.put(&queue, number.to_be_bytes(), [7; 8]);
        }
        batch.commit().unwrap();
        // The first of them one by one, the others as a consumer of many at once takes them.
        for _ in 0..5 {
            let before = passed(&database);
            let (head, _) = queue.first().unwrap().unwrap();
            let most = &mut most_of_tenth[(start * 10 / ENTRIES) as usize];
            *most = (*most).max(passed(&database) - before);
            assert_eq!(head, u64::to_be_bytes(taken));
            queue.delete(&head).unwrap();
            taken += 1;
        }
        let mut batch = database.batch();
        while taken < start + AT_ONCE - 7 {
            batch.delete(&queue, taken.to_be_bytes());
            taken += 1;
        }
        batch.commit().unwrap();
    }
    assert_eq!(queue.iter().count() as u64, ENTRIES - taken);
    assert!(most_of_tenth.iter().all(|most| *most < 2 * AT_ONCE), "{most_of_tenth:?}");
}

#[test]
fn what_a_range_delete_emptied_is_not_walked_through_even_once() {
    let (database, all) = open();
    for number in 0..20_000_u32 {
        all.put(number.to_be_bytes(), [7; 40]).unwrap();
    }
    let snapshot = database.snapshot();
    all.delete_range(10_u32.to_be_bytes()..19_990_u32.to_be_bytes()).unwrap();
    assert_eq!(all.iter().count(), 20);
    assert_eq!(all.iter().rev().count(), 20);
    assert!(passed(&database) < 10, "{}", passed(&database));
    all.put(5000_u32.to_be_bytes(), "new").unwrap();
    assert_eq!(all.iter().count(), 21);
    assert_eq!(all.iter().rev().count(), 21);
    assert!(passed(&database) < 20, "{}", passed(&database));
    assert_eq!(snapshot.range::<&[u8]>(&all, ..).count(), 20_000, "the snapshot sees what it saw");
    // A transaction finds what it wrote itself where others find nothing.
    let mut transaction = database.transaction();
    transaction.put(&all, 6000_u32.to_be_bytes(), "own").unwrap();
    assert_eq!(transaction.range::<&[u8]>(&all, ..).count(), 22);
}

#[test]
fn tables_that_a_range_delete_covers_go_without_being_read() {
    let limits = Limits { table_bytes: 32 << 10, ..Limits::default() };
    let (database, all) = open_with(MergePolicy::TieredThenLevelled(limits));
    for number in 0..30_000_u32 {
        all.put(number.to_be_bytes(), [number as u8; 100]).unwrap();
    }
    database.compact().unwrap();
    let bytes = database.statistics().table_bytes();
    let read = database.statistics().merge_input_bytes;
    all.delete_range::<&[u8]>(..).unwrap();
    all.put("one", "left").unwrap();
    database.flush().unwrap();
    database.compact_range::<&[u8]>(&all, ..).unwrap();
    let after = database.statistics();
    assert!(after.table_bytes() < bytes / 20, "{} of {bytes}", after.table_bytes());
    assert!(after.merge_input_bytes - read < bytes / 20, "{} read", after.merge_input_bytes - read);
    assert_eq!(all.iter().count(), 1);
    assert!(database.check().is_sound());
}
