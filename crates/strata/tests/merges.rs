//! How merges are made: divided, limited, asked for by range, given up.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{NumbersKind, Set, add, check_version, contents, levelled, open, options, seal};
use stroma_strata::runtime::{Clock, ManualClock, SystemClock, ThreadSpawner};
use stroma_strata::storage::MemoryStorage;
use stroma_strata::{LayeredSet, MergePolicy, PaidByReads, SetOptions, Upkeep};

/// A set of many small layers in the last level and a few of level 0 over all of them.
fn filled() -> (Set, Arc<AtomicUsize>) {
    let kind = NumbersKind::default();
    let pieces = kind.pieces.clone();
    let set_options = SetOptions { upkeep: Upkeep::none(), ..options(levelled()) };
    let (set, _) = LayeredSet::open(Arc::new(MemoryStorage::new()), kind, set_options).unwrap();
    add(&set, 0..1000, 1).unwrap();
    set.merge_all().unwrap();
    for round in 0..3 {
        add(&set, (0..100).map(|number| number * 10 + round), round + 2).unwrap();
    }
    (set, pieces)
}

/// A set of a merged run, and a small one above a tenth of it.
fn covered(upkeep: Upkeep) -> Set {
    let set_options = SetOptions { upkeep, ..options(levelled()) };
    let (set, _) =
        LayeredSet::open(Arc::new(MemoryStorage::new()), NumbersKind::default(), set_options).unwrap();
    add(&set, 0..1000, 1).unwrap();
    set.merge_all().unwrap();
    add(&set, 0..100, 2).unwrap();
    set
}

#[test]
fn idle_workers_take_pieces_of_a_merge_and_nothing_is_lost() {
    let (set, pieces) = filled();
    let before = contents(&set.current());
    let pause = set.pause();
    set.start_background(&ThreadSpawner, 3).unwrap();
    drop(pause);
    set.merge_until_idle().unwrap();
    for round in 0..20 {
        pieces.store(0, Ordering::SeqCst);
        set.merge_all().unwrap();
        assert_eq!(contents(&set.current()), before, "round {round}");
        check_version(&set.current());
        assert_eq!(set.current().runs().count(), 1);
        if pieces.load(Ordering::SeqCst) > 1 {
            assert!(set.statistics().jobs.is_empty());
            return;
        }
        // The workers were not waiting yet.
        std::thread::yield_now();
    }
    panic!("no merge was divided");
}

#[test]
fn a_failure_in_one_piece_fails_the_merge_and_leaves_everything_as_it_was() {
    let kind = NumbersKind::default();
    let (broken, panicking) = (kind.broken.clone(), kind.panicking.clone());
    let set_options = SetOptions { upkeep: Upkeep::none(), ..options(levelled()) };
    let storage = MemoryStorage::new();
    let (set, _) = LayeredSet::open(Arc::new(storage.clone()), kind, set_options).unwrap();
    add(&set, 0..1000, 1).unwrap();
    set.merge_all().unwrap();
    set.start_background(&ThreadSpawner, 2).unwrap();
    let before = contents(&set.current());
    for fault in [&broken, &panicking] {
        for _ in 0..5 {
            fault.store(true, Ordering::SeqCst);
            // A panic in a merge that is not divided passes on to the caller.
            let outcome = catch_unwind(AssertUnwindSafe(|| set.merge_all()));
            assert!(outcome.is_err() || outcome.is_ok_and(|outcome| outcome.is_err()));
            fault.store(false, Ordering::SeqCst);
            assert_eq!(contents(&set.current()), before);
            assert!(set.statistics().jobs.is_empty(), "the claim has ended");
        }
    }
    set.merge_all().unwrap().unwrap();
    assert_eq!(contents(&set.current()), before);
}

#[test]
fn a_panic_releases_the_inputs_for_the_next_merge() {
    let kind = NumbersKind::default();
    let panicking = kind.panicking.clone();
    let policy = MergePolicy::Tiered { fanout: 2 };
    let (set, _) = LayeredSet::open(Arc::new(MemoryStorage::new()), kind, options(policy)).unwrap();
    add(&set, [1], 1).unwrap();
    add(&set, [2], 2).unwrap();
    panicking.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| set.merge_once())).is_err());
    assert!(set.statistics().jobs.is_empty());
    assert_eq!(set.statistics().failed_merges, 1);
    panicking.store(false, Ordering::SeqCst);
    assert_eq!(set.merge_once().unwrap().unwrap().inputs.len(), 2);
    assert_eq!(contents(&set.current()), [1, 2]);
}

#[test]
fn a_range_becomes_one_clean_run_and_the_rest_stays() {
    let set_options = SetOptions { upkeep: Upkeep::none(), ..options(levelled()) };
    let storage = Arc::new(MemoryStorage::new());
    let (set, _) = LayeredSet::open(storage, NumbersKind::default(), set_options).unwrap();
    add(&set, 0..1000, 1).unwrap();
    set.merge_all().unwrap();
    seal(&set, &(100..110).map(|number| (number, false)).collect(), 2).unwrap();
    add(&set, [500], 3).unwrap();
    let untouched = |set: &Set| -> Vec<u64> {
        let layers = set.current();
        let far =
            layers.layers().filter(|layer| layer.descriptor().smallest > 600_u64.to_be_bytes().to_vec());
        far.map(|layer| layer.descriptor().id).collect()
    };
    let before = untouched(&set);
    assert!(before.len() > 10);
    let key = |number: u64| number.to_be_bytes();
    set.merge_range(&key(105), &key(106)).unwrap();
    let in_range = |set: &Set| {
        let range = (key(105).to_vec(), key(106).to_vec());
        let version = set.current();
        let layers = version.layers().map(|layer| layer.descriptor());
        let found = layers.filter(|layer| layer.smallest < range.1 && range.0 <= layer.largest);
        found.map(|layer| (layer.level, layer.deletes)).collect::<Vec<_>>()
    };
    assert!(in_range(&set).len() <= 1 && in_range(&set).iter().all(|found| *found == (4, 0)), "{set:?}");
    assert_eq!(untouched(&set), before);
    let expected: Vec<u64> = (0..100).chain(110..1000).collect();
    assert_eq!(contents(&set.current()), expected);
    assert!(set.merge_range(&key(105), &key(106)).unwrap().is_empty(), "nothing is left to do");
    assert!(set.merge_range(&key(5000), &key(6000)).unwrap().is_empty());

    let tiered = open(&MemoryStorage::new(), MergePolicy::Tiered { fanout: 4 }).unwrap();
    add(&tiered, [1], 1).unwrap();
    add(&tiered, [2], 2).unwrap();
    assert_eq!(tiered.merge_range(&key(0), &key(9)).unwrap().len(), 1);
    assert_eq!(tiered.current().layers().count(), 1);
}

#[test]
fn merges_write_no_faster_than_they_may() {
    let clock = Arc::new(ManualClock::new());
    let set_options = SetOptions {
        policy: MergePolicy::Tiered { fanout: 2 },
        clock: clock.clone(),
        merge_bytes_per_second: Some(900),
        ..SetOptions::default()
    };
    let storage = Arc::new(MemoryStorage::new());
    let (set, _) = LayeredSet::open(storage, NumbersKind::default(), set_options).unwrap();
    add(&set, 0..500, 1).unwrap();
    add(&set, 500..1000, 2).unwrap();
    assert_eq!(clock.now(), Duration::ZERO, "sealing has no limit");
    set.start_background(&ThreadSpawner, 1).unwrap();
    while set.statistics().merges == 0 {
        clock.advance(Duration::from_millis(20));
        std::thread::yield_now();
    }
    assert!(clock.now() >= Duration::from_secs(10), "9000 bytes at 900 a second took {:?}", clock.now());
}

#[test]
fn age_alone_makes_a_merge_due() {
    let clock = Arc::new(ManualClock::new());
    let upkeep = Upkeep { age: Some(Duration::from_secs(100)), ..Upkeep::none() };
    let set_options =
        SetOptions { policy: levelled(), clock: clock.clone(), upkeep, ..SetOptions::default() };
    let storage = Arc::new(MemoryStorage::new());
    let (set, _) = LayeredSet::open(storage, NumbersKind::default(), set_options).unwrap();
    add(&set, [1], 1).unwrap();
    assert!(set.merge_once().unwrap().is_none());
    clock.advance(Duration::from_secs(100));
    let reports = set.merge_until_idle().unwrap();
    assert!(reports.iter().all(|report| report.reason.to_string().contains("100 s old")), "{reports:?}");
    assert_eq!(set.statistics().merges, 1, "it is moved down, then rewritten where it is");
    assert!(set.merge_once().unwrap().is_none(), "it is new again");
}

#[test]
fn reads_pay_for_a_merge_once_and_writes_never_do() {
    // What reads have to pay: merges here are so small that they cost what each does.
    const ENOUGH: u64 = 1 << 20;
    for read_percent in [Some(50), None] {
        let set = covered(Upkeep { read_percent, ..Upkeep::none() });
        let before = contents(&set.current());
        assert_eq!(set.merge_once().unwrap(), None);
        set.current().read_costs().add(PaidByReads { runs: ENOUGH / 4, dead: ENOUGH / 4 });
        assert_eq!(
            set.merge_once().unwrap(),
            None,
            "that was half of half, and of half of it a merge costs more"
        );
        set.borrow_current().read_costs().add(PaidByReads { runs: ENOUGH / 4, dead: 0 });
        let report = set.merge_once().unwrap();
        assert_eq!(report.is_some(), read_percent.is_some());
        assert_eq!(set.statistics().merges_for_readers, u64::from(read_percent.is_some()));
        assert_eq!(contents(&set.current()), before);
        if let Some(report) = report {
            assert!(report.reason.to_string().starts_with("reads have paid"), "{}", report.reason);
            assert_eq!(set.current().runs().count(), 1);
            add(&set, 0..100, 3).unwrap();
            assert_eq!(set.merge_once().unwrap(), None, "what they paid is spent");
        }
    }
}

#[test]
fn a_worker_that_waits_is_woken_when_reads_have_paid() {
    let set = covered(Upkeep { read_percent: Some(100), ..Upkeep::none() });
    set.start_background(&ThreadSpawner, 1).unwrap();
    // Several times over what it costs, since readers look only now and then.
    set.current().read_costs().add(PaidByReads { runs: 4 << 20, dead: 0 });
    // A worker that nobody wakes would sleep for ever.
    let clock = SystemClock::default();
    let end = clock.now() + Duration::from_secs(60);
    loop {
        let seen = set.changed().generation();
        if set.current().runs().count() == 1 {
            break;
        }
        assert!(set.changed().wait_until(seen, &clock, end) > seen, "the worker was not woken");
    }
    set.merge_until_idle().unwrap();
    assert_eq!(set.statistics().merges_for_readers, 1);
}

#[test]
fn what_reads_pay_is_kept_where_a_merge_may_come_of_it() {
    let storage = Arc::new(MemoryStorage::new());
    let add_to = |set: &Set| {
        set.current().read_costs().add(PaidByReads { runs: 1, dead: 2 });
        set.current().read_costs().paid()
    };
    let with = |policy| SetOptions {
        upkeep: Upkeep { read_percent: Some(50), ..Upkeep::none() },
        ..options(policy)
    };
    let open = |policy| LayeredSet::open(storage.clone(), NumbersKind::default(), with(policy)).unwrap().0;
    let set = open(levelled());
    add(&set, 0..1000, 1).unwrap();
    set.merge_all().unwrap();
    assert_eq!(add_to(&set), PaidByReads::default(), "there is one run");
    add(&set, 0..100, 2).unwrap();
    assert_eq!(add_to(&set), PaidByReads { runs: 1, dead: 2 });
    set.close().unwrap();
    drop(set);
    let set = open(MergePolicy::Tiered { fanout: 4 });
    assert_eq!(add_to(&set), PaidByReads::default(), "tiered merging has no merges for readers");
    set.close().unwrap();
    drop(set);
    let (set, _) =
        LayeredSet::open_read_only(storage.clone(), NumbersKind::default(), with(levelled()), None).unwrap();
    assert_eq!(add_to(&set), PaidByReads::default(), "it is only read");
}
