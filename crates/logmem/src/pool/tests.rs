//! The pool against a plain account, and the promises it makes about its limits.

use std::sync::{Arc, Weak};

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::memory::Cells;
use crate::sync::Mutex;

fn pool(capacity_bytes: usize, segment_bytes: usize) -> Pool {
    Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options")
}

fn unused(pool: &Pool) -> usize {
    let statistics = pool.statistics();
    statistics.capacity_bytes - statistics.used_bytes - statistics.table_bytes
}

/// Waits until all that was taken from the pool is given back, as readers let go of it.
///
/// # Panics
/// If some of it never is.
pub(crate) fn wait_until_unused(pool: &Pool) {
    for _ in 0..1_000_000 {
        if pool.statistics().used_bytes == 0 {
            return;
        }
        crate::sync::epoch::pin().flush();
        crate::sync::thread::yield_now();
    }
    panic!("{:?}", pool.statistics());
}

#[test]
fn refuses_options_that_cannot_work() {
    for (capacity_bytes, segment_bytes) in
        [(1 << 20, 1000), (1 << 20, 128), (4096, 8192), (usize::MAX, 256), (1 << 40, 1 << 30)]
    {
        let refused = Pool::new(PoolOptions { capacity_bytes, segment_bytes });
        assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{capacity_bytes} {segment_bytes}");
    }
}

#[test]
fn every_segment_of_the_budget_can_be_taken_and_no_more() {
    let pool = pool(9 * 1024 + Cells::GROUP_BYTES + 500, 1024);
    assert_eq!(pool.statistics().segments_free, 9);
    let taken: Vec<Segment> = (0..9).map(|_| pool.take_segment().expect("nine fit")).collect();
    assert!(matches!(pool.take_segment(), Err(Error::OutOfMemory { .. })));
    assert_eq!(pool.statistics().segments_free, 0);
    drop(taken);
    assert_eq!(pool.statistics().used_bytes, 0);
    assert_eq!(pool.statistics().segments_free, 9);
    assert_eq!(pool.statistics().allocated_bytes, 9 * 1024, "kept for the next use");
}

#[test]
fn a_run_and_a_charge_may_use_what_unused_segments_hold() {
    let pool = pool(65 * 1024 + 4 * Cells::GROUP_BYTES, 1024);
    drop((0..64).map(|_| pool.take_segment().expect("fits")).collect::<Vec<_>>());
    let run = pool.take_run(40_000).expect("unused segments make room");
    assert_eq!(run.size(), 40_960);
    let charge = pool.charge(24_000).expect("and again");
    let statistics = pool.statistics();
    assert!(
        statistics.allocated_bytes + charge.bytes() + statistics.table_bytes <= statistics.capacity_bytes
    );
    assert!(matches!(pool.take_run(100_000), Err(Error::EntryTooLarge { .. })));
    assert!(matches!(pool.take_run(usize::MAX), Err(Error::EntryTooLarge { .. })));
    drop((run, charge));
    assert_eq!(pool.statistics().used_bytes, 0);
}

#[test]
fn a_run_that_ended_serves_again_until_others_need_its_bytes() {
    let pool = pool(1 << 20, 1024);
    let address = |log: &crate::Log, bytes: usize| {
        let at = log.append(&[&vec![7; bytes]]).expect("fits");
        assert_eq!(log.get(at), vec![7; bytes]);
        log.get(at).as_ptr() as usize
    };
    let log = crate::Log::new(&pool);
    let first = address(&log, 100_000);
    drop(log);
    let statistics = pool.statistics();
    assert_eq!((statistics.used_bytes, statistics.allocated_bytes), (0, 102_400));
    let log = crate::Log::new(&pool);
    assert_eq!(address(&log, 95_000), first, "a little shorter");
    assert_ne!(address(&log, 95_000), first, "it is in use");
    drop(log);
    let log = crate::Log::new(&pool);
    address(&log, 50_000);
    assert_eq!(pool.statistics().run_bytes, 53_248, "one much shorter has its own");
    drop(log);
    assert_eq!(pool.statistics().allocated_bytes, 102_400 + 98_304 + 53_248);
    drop(pool.charge((1 << 20) - 4096).expect("all of it can be had"));
    assert_eq!(pool.statistics().allocated_bytes, 0);
    // There is an end to what is kept.
    let log = crate::Log::new(&pool);
    (0..100).for_each(|_| _ = address(&log, 5000));
    drop(log);
    assert_eq!(pool.statistics().allocated_bytes / 8192, 64);
}

/// Resident bytes of an address range, as the kernel's table of pages tells.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[allow(clippy::disallowed_methods)] // the kernel's own account is what the pool's is compared with
fn resident_bytes(address: usize, bytes: usize) -> usize {
    use std::os::unix::fs::FileExt;
    const PAGE: usize = 4096;
    let table = std::fs::File::open("/proc/self/pagemap").expect("the kernel tells");
    let mut entries = vec![0; bytes / PAGE * 8];
    table.read_exact_at(&mut entries, (address / PAGE * 8) as u64).expect("a part of the address space");
    let is_present = |entry: &[u8]| entry[7] & 0x80 != 0;
    entries.chunks(8).filter(|entry| is_present(entry)).count() * PAGE
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn unused_segments_whose_bytes_others_need_are_not_resident() {
    const SEGMENT: usize = 64 << 10;
    let pool = pool(64 * SEGMENT, SEGMENT);
    let log = crate::Log::new(&pool);
    let first = log.append(&[&vec![1; SEGMENT - 4]]).expect("fits");
    // Behind the length of the first entry of the first segment.
    let region = log.get(first).as_ptr() as usize - 4;
    for _ in 0..60 {
        log.append(&[&vec![1; SEGMENT - 4]]).expect("fits");
    }
    assert_eq!(resident_bytes(region, 64 * SEGMENT), 61 * SEGMENT);
    drop(log);
    assert_eq!(resident_bytes(region, 64 * SEGMENT), 61 * SEGMENT, "kept as long as nobody needs them");
    let charge = pool.charge(50 * SEGMENT).expect("fits");
    let resident = resident_bytes(region, 64 * SEGMENT);
    assert!(resident + charge.bytes() <= pool.capacity_bytes(), "{resident}");
}

#[test]
fn huge_pages_change_nothing_but_where_bytes_lie() {
    let options = PoolOptions { capacity_bytes: 8 << 20, segment_bytes: 64 << 10 };
    let pool = Pool::with_huge_pages(options).expect("valid options");
    for round in 0..3 {
        let log = crate::Log::new(&pool);
        let all: Vec<_> = (0..100).map(|i| log.append(&[&[i; 60_000]]).expect("fits")).collect();
        assert!(all.iter().zip(0..).all(|(at, i)| log.get(*at) == [i; 60_000]));
        drop(log);
        // What others need goes back to the system, and comes again as zeros that are written anew.
        drop(pool.charge((2 + round) << 20).expect("fits"));
    }
    assert_eq!(pool.statistics().used_bytes, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Segment,
    Run(usize),
    Charge(usize),
    Drop(usize),
}

#[derive(Debug)]
enum Taken {
    Segment(#[allow(dead_code)] Segment),
    Run(Segment),
    Charge(Charge),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Segment),
        2 => (1_usize..30_000).prop_map(Step::Run),
        2 => (0_usize..9_000).prop_map(Step::Charge),
        5 => (0_usize..100).prop_map(Step::Drop),
    ];
    proptest::collection::vec(step, 1..300)
}

fn take(pool: &Pool, step: &Step) -> (usize, Result<Taken, Error>) {
    match *step {
        Step::Segment => (pool.segment_bytes(), pool.take_segment().map(Taken::Segment)),
        Step::Run(bytes) => {
            let bytes = bytes.max(pool.segment_bytes() + 1);
            (bytes.next_multiple_of(super::budget::BLOCK_BYTES), pool.take_run(bytes).map(Taken::Run))
        }
        Step::Charge(bytes) | Step::Drop(bytes) => (bytes, pool.charge(bytes).map(Taken::Charge)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Neither numbers nor contiguous room ever end before the bytes do, whatever came and went.
    #[test]
    fn whatever_fits_the_bytes_is_given_and_nothing_else(
        steps in steps(),
        capacity in 20_000_usize..90_000,
        segment_bits in 8_u32..13,
    ) {
        let pool = pool(capacity, 1 << segment_bits);
        let mut taken: Vec<Taken> = Vec::new();
        for step in &steps {
            if let Step::Drop(index) = step {
                if !taken.is_empty() {
                    taken.swap_remove(index % taken.len());
                }
                continue;
            }
            let before = unused(&pool);
            let free = pool.statistics().segments_free;
            let (bytes, outcome) = take(&pool, step);
            match outcome {
                Ok(one) => {
                    prop_assert!(bytes <= before);
                    taken.push(one);
                }
                Err(Error::OutOfMemory { .. }) => prop_assert!(bytes + Cells::GROUP_BYTES > before),
                Err(Error::EntryTooLarge { .. }) => prop_assert!(bytes > capacity),
                Err(error) => panic!("{error}"),
            }
            if matches!(step, Step::Segment) {
                prop_assert_eq!(free > 0, matches!(taken.last(), Some(Taken::Segment(_))) && unused(&pool) < before);
            }
            let now = pool.statistics();
            prop_assert!(now.allocated_bytes + now.charged_bytes + now.table_bytes <= capacity);
            let held = taken.iter().map(|one| match one {
                Taken::Segment(_) => pool.segment_bytes(),
                Taken::Run(run) => run.size(),
                Taken::Charge(charge) => charge.bytes(),
            });
            prop_assert_eq!(held.sum::<usize>(), now.used_bytes);
        }
        let listed = pool.segments().iter().filter(|s| s.owner != crate::SegmentOwner::Free).count();
        let now = pool.statistics();
        prop_assert_eq!(listed, now.segments_used + now.runs);
        drop(taken);
        prop_assert_eq!(pool.statistics().used_bytes, 0);
        // All that remains can be taken in segments, however it was cut up before.
        let free = pool.statistics().segments_free;
        let all: Vec<Segment> = std::iter::from_fn(|| pool.take_segment().ok()).collect();
        prop_assert_eq!(all.len(), free);
        prop_assert!(unused(&pool) < pool.segment_bytes() + Cells::GROUP_BYTES);
    }
}

/// Holds segments and gives them up when asked; asks the pool for one more while it answers.
struct Generous {
    pool: Pool,
    held: Mutex<Vec<Segment>>,
    asked: Mutex<usize>,
}

impl Reclaim for Generous {
    fn reclaim(&self, bytes: usize) -> usize {
        *self.asked.lock() += 1;
        assert!(self.pool.charge(1 << 30).is_err(), "answered without asking");
        let count = bytes.div_ceil(self.pool.segment_bytes());
        let mut held = self.held.lock();
        let keep = held.len().saturating_sub(count);
        held.split_off(keep).len() * self.pool.segment_bytes()
    }
}

#[test]
fn those_who_can_do_with_less_are_asked_before_anyone_is_refused() {
    let pool = pool(64 << 10, 1024);
    let held: Vec<Segment> = std::iter::from_fn(|| pool.take_segment().ok()).collect();
    let count = held.len();
    let generous = Arc::new(Generous { pool: pool.clone(), held: Mutex::new(held), asked: Mutex::new(0) });
    let reclaimer: Weak<dyn Reclaim> = Arc::downgrade(&(Arc::clone(&generous) as Arc<dyn Reclaim>));
    pool.add_reclaimer(reclaimer);
    let charge = pool.charge(10_000).expect("the other one gives way");
    let segment = pool.take_segment().expect("again");
    let run = pool.take_run(20_000).expect("and again");
    assert!(*generous.asked.lock() >= 3);
    assert!(generous.held.lock().len() < count - 30);
    assert!(matches!(pool.charge(60_000), Err(Error::OutOfMemory { .. })), "there is an end to it");
    assert!(generous.held.lock().is_empty());
    drop((charge, segment, run, generous));
    assert!(matches!(pool.charge(1 << 20), Err(Error::OutOfMemory { .. })), "nobody left to ask");
}
