//! Models of the index under a scheduler that decides at every access which thread goes on.

use std::sync::Arc;

use super::tests::{Bare, seeded};
use crate::sync::check;

fn spawn(index: &Arc<Bare>, body: impl FnOnce(&Bare) + Send + 'static) -> shuttle::thread::JoinHandle<()> {
    let index = Arc::clone(index);
    shuttle::thread::spawn(move || body(&index))
}

#[test]
fn a_reader_never_misses_a_key_while_buckets_split_and_merge() {
    check(|| model_splits_and_merges(Bare::new(64 << 10, seeded::<1>)));
}

#[test]
fn nor_when_buckets_are_told_by_keys() {
    check(|| model_splits_and_merges(Bare::new(64 << 10, seeded::<1>).full_words()));
}

fn model_splits_and_merges(bare: Bare) {
    let index = Arc::new(bare);
    (0..12).for_each(|key| index.put(key, 1).expect("room"));
    let reader = |index: &Bare| {
        for _ in 0..3 {
            (0..12).for_each(|key| assert!(index.get(key).is_some(), "key {key}"));
        }
    };
    let writer = |first: u64| {
        move |index: &Bare| {
            (first..first + 30).for_each(|key| index.put(key, 1).expect("room"));
            (0..12).for_each(|key| index.put(key, 2).expect("room"));
            (first..first + 30).for_each(|key| assert!(index.remove(key)));
        }
    };
    let threads = [spawn(&index, writer(100)), spawn(&index, writer(200)), spawn(&index, reader)];
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    assert_eq!(index.index.len(), 12);
}
