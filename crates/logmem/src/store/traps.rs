//! Traps that designs of this kind have fallen into, each a test that says how it is avoided.
#![allow(clippy::disallowed_methods)] // threads are what some of them are about

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::entry::Header;
use super::heads::Heads;
use super::tests::audit;
use super::{Expected, Store, StoreOptions};
use crate::error::Error;
use crate::location::Location;
use crate::memory::SegmentOwner;
use crate::pool::{Pool, PoolOptions};
use crate::sync::epoch;

fn options(capacity_bytes: usize, segment_bytes: usize) -> StoreOptions {
    let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options");
    StoreOptions::new(pool, 7)
}

fn store(capacity_bytes: usize, segment_bytes: usize) -> Store {
    Store::new(options(capacity_bytes, segment_bytes)).expect("large enough")
}

/// An entry is appended, its segment closed and found without live bytes, cleaned and reused; then the index
/// is made to name the entry. Here bytes count as live from the moment they are appended.
#[test]
fn an_entry_that_the_index_does_not_name_yet_keeps_its_segment() {
    let store = store(64 << 10, 1024);
    let core = &store.core;
    let guard = epoch::pin();
    let header = Header::new(b"late", b"value", 1);
    let at = core
        .append([header.as_bytes(), b"late", b"value"], false, &guard)
        .ok()
        .or_else(|| {
            // The store's first entry opens its first segment.
            store.put(b"first", b"x").ok()?;
            core.append([header.as_bytes(), b"late", b"value"], false, &guard).ok()
        })
        .expect("room");
    // Everything else in that segment dies, the segment is closed, and the cleaner runs again and again.
    for round in 0..200 {
        store.put(b"first", &[round; 100]).expect("room");
        store.clean();
    }
    let entry = core.slots.entry(at, &guard).expect("the segment is still there");
    assert_eq!((entry.key, entry.value), (&b"late"[..], &b"value"[..]));
    core.slots.remove_live(at.segment(), entry.bytes.len(), &guard);
    drop(guard);
    store.clean();
    audit(&store);
}

/// A reader announces itself, but its announcement and its first read change places, so that the memory is
/// reused under it. Here whoever frees asks only after the epoch in which a value was claimed has ended.
#[test]
fn a_claim_made_under_a_pin_is_seen_by_whoever_frees() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 1024 }).expect("valid");
    let holding = pool.new_shared_holding(SegmentOwner::Store, 2);
    let chunk = pool.take_segment().ok().and_then(|segment| segment.into_chunk()).expect("a segment");
    let number = holding.adopt(chunk);
    let guard = epoch::pin();
    let view = holding.view(number, &guard).expect("ours");
    view.append(&[b"bytes"]).expect("fits");
    let pinned = holding.pin(view, &view.committed()[1..3], &guard).expect("a slot");
    assert!(holding.pin(view, b"elsewhere", &guard).is_none(), "only bytes of the segment");
    let left = Arc::new(crate::sync::Mutex::new(None));
    let finish = Arc::clone(&left);
    assert!(holding.retire(number, &guard, move |leaving| *finish.lock() = Some(leaving)));
    assert!(holding.view(number, &guard).is_none(), "nobody finds it any more");
    assert!(!holding.retire(number, &guard, |_| panic!("twice")));
    guard.flush();
    assert!(left.lock().is_none(), "somebody is pinned");
    drop(guard);
    let leaving = loop {
        epoch::pin().flush();
        if let Some(leaving) = left.lock().take() {
            break leaving;
        }
    };
    let leaving = leaving.free().expect_err("somebody holds bytes of it");
    assert_eq!(pinned.bytes(), b"yt");
    drop(pinned);
    pool.give_back(leaving.free().expect("nobody does"));
    assert_eq!(pool.statistics().used_bytes, 0);
}

/// A lookup that finds nothing returns early and forgets to unpin, and nothing is ever freed again.
#[test]
fn no_call_returns_while_its_thread_is_pinned() {
    let store = store(64 << 10, 1024);
    let unpinned = |what: &str| assert!(!epoch::is_pinned(), "after {what}");
    assert!(store.get(b"missing").is_none());
    unpinned("a miss");
    assert!(!store.contains(b"missing") && store.get_copied(b"missing").is_none());
    unpinned("other misses");
    let version = store.put(b"key", b"value").expect("room");
    unpinned("a put");
    assert!(store.put_if(b"key", b"other", Expected::Absent).is_err());
    assert!(store.remove_if(b"key", Expected::Absent).is_err());
    unpinned("a mismatch");
    assert!(store.put(b"key", &vec![0; 100 << 10]).is_err());
    unpinned("a refusal");
    store.for_each(|_, _, _| unpinned("the beginning of a visit"));
    let guard = store.get(b"key").expect("present");
    unpinned("a hit, whose value is held otherwise");
    assert_eq!(guard.version(), version);
    drop(guard);
    store.clean();
    store.remove(b"key");
    unpinned("a removal");
}

/// The age of a segment is set anew whenever its live bytes change, so that segments in which something dies
/// now and then stay young for ever, and those in which nothing does are never looked at.
#[test]
fn segments_age_whatever_dies_in_them() {
    let store = store(256 << 10, 1024);
    let fill = |from: u32, to: u32| {
        for key in from..to {
            store.put(&key.to_le_bytes(), &[1; 100]).expect("room");
        }
    };
    fill(0, 90);
    let ages = |core: &super::core::Core| {
        let guard = epoch::pin();
        let sealed: Vec<_> = core.slots.in_state(super::slots::State::Sealed, &guard).collect();
        let now = core.slots.now();
        sealed.into_iter().map(|segment| (segment.number, now - segment.born)).collect::<Vec<_>>()
    };
    let before = ages(&store.core);
    // In every second segment something dies, in the others nothing; time passes for both.
    (0..90_u32).step_by(18).for_each(|key| assert!(store.remove(&key.to_le_bytes()).is_some()));
    fill(1000, 1090);
    let after = ages(&store.core);
    for (number, age) in before {
        let later = after.iter().find(|(same, _)| *same == number).expect("nothing was cleaned").1;
        assert!(later >= age + 8, "segment {number} was {age} and is {later}");
    }
}

/// An entry is read to the end of its segment, or as long as its first bytes say, because nothing told where
/// it ends. Here any place may be asked for, and answers come from below the watermark only.
#[test]
fn any_location_may_be_read() {
    let store = store(64 << 10, 1024);
    for key in 0..100_u32 {
        store.put(&key.to_le_bytes(), &[0xff; 77]).expect("room");
    }
    let guard = epoch::pin();
    let mut found = 0;
    for segment in 0..200 {
        for offset in (0..1100).chain([usize::MAX, 1 << 27]) {
            if let Some(entry) = store.core.slots.entry(Location::pack(0, segment, offset), &guard) {
                let written = store.core.slots.segment(segment, &guard).expect("just read").committed();
                let whole = written.as_ptr_range();
                let part = entry.bytes.as_ptr_range();
                assert!(whole.start <= part.start && part.end <= whole.end);
                found += 1;
            }
        }
    }
    assert!(found >= 100);
}

/// All threads append to the same head, because what chooses it is the same for all of them.
#[test]
fn heads_are_used_by_as_many_threads_as_there_are() {
    let heads = Heads::new(4);
    let mut taken: Vec<_> = (0..4).map(|_| heads.lock()).collect();
    taken.iter_mut().enumerate().for_each(|(place, head)| **head = place as u32 + 1);
    drop(taken);
    let numbers: HashSet<u32> = heads.lock_each().map(|head| *head).collect();
    assert_eq!(numbers.len(), 4, "who finds a head taken gets another");
    // Threads of their own begin at heads of their own.
    let first = |_| std::thread::scope(|scope| scope.spawn(|| *heads.lock()).join().expect("no panic"));
    let spread: HashSet<u32> = (0..64).map(first).collect();
    assert!(spread.len() > 1, "{spread:?}");
}

/// The table of segments is full while there are bytes left, and somebody unwraps what it gives.
#[test]
fn whatever_runs_out_is_told_by_an_error() {
    for segment_bytes in [256, 1024, 4096] {
        let store = store(48 << 10, segment_bytes);
        for round in 0..20_000_u32 {
            let length = [3, 200, 1000, 5000, 20_000][round as usize % 5];
            match store.put(&round.to_le_bytes(), &vec![1; length]) {
                Ok(_) => {}
                Err(Error::OutOfMemory { .. }) => {
                    for key in (0..round).step_by(2) {
                        store.remove(&key.to_le_bytes());
                    }
                    if round > 2_000 {
                        break;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        audit(&store);
    }
}

/// Memory is full, the cleaner needs some to make more, and waits for itself. Here its reserve comes first.
#[test]
fn a_full_store_with_many_writers_and_cleaners_goes_on() {
    for cleaner_threads in [0, 2] {
        let options = StoreOptions {
            cleaner_threads,
            heads: 3,
            put_patience: Duration::from_millis(500),
            ..options(128 << 10, 1024)
        };
        let store = Store::new(options).expect("large enough");
        let refused = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..3_u32)
                .map(|writer| {
                    let (store, refused) = (&store, &refused);
                    scope.spawn(move || {
                        for i in 0..3_000_u32 {
                            let key = (i * 7 % 900) * 3 + writer;
                            if i % 11 == 0 {
                                store.remove(&key.to_le_bytes());
                            } else if store.put(&key.to_le_bytes(), &[writer as u8; 90]).is_err() {
                                refused.fetch_add(1, Ordering::Relaxed);
                                store.remove(&(key / 2).to_le_bytes());
                            }
                        }
                    })
                })
                .collect();
            writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
        });
        assert!(refused.load(Ordering::Relaxed) > 0, "it was full");
        if cleaner_threads == 0 {
            audit(&store);
        }
        for key in 0..2_700_u32 {
            store.remove(&key.to_le_bytes());
        }
        for key in 0..500_u32 {
            store.put(&key.to_le_bytes(), &[9; 90]).expect("there is room again");
        }
        let core = Arc::clone(&store.core);
        let pool = core.pool.clone();
        drop(store);
        assert_eq!(Arc::strong_count(&core), 1, "threads end with their store");
        drop(core);
        assert!(pool.statistics().segments_used <= 128);
    }
}

/// What threads do in the background can be seen: dead bytes come back without anybody writing.
#[test]
fn threads_clean_while_nobody_writes() {
    let options = StoreOptions { cleaner_threads: 1, clean_below_segments: 60, ..options(128 << 10, 1024) };
    let store = Store::new(options).expect("large enough");
    for key in 0..800_u32 {
        store.put(&key.to_le_bytes(), &[1; 90]).expect("room");
    }
    (0..800_u32).step_by(2).for_each(|key| assert!(store.remove(&key.to_le_bytes()).is_some()));
    // One more segment is opened, which wakes the thread up.
    for key in 0..20_u32 {
        store.put(&(2 * key + 1).to_le_bytes(), &[2; 90]).expect("room");
    }
    for _ in 0..10_000 {
        if store.core.pool.statistics().segments_free >= 50 {
            assert!((0..800_u32).all(|key| store.contains(&key.to_le_bytes()) == (key % 2 == 1)));
            return;
        }
        crate::sync::thread::nap();
    }
    panic!("{:?} {:?}", store.statistics(), store.core.pool.statistics());
}
