//! A queue: entries are pushed at one end and taken from the other, so that one end is full of deletes.

use std::path::Path;

use super::bench::{Bench, expect};
use super::engine::Engine;
use super::entries::fill_half;
use crate::Outcome;
use crate::measure::timed;
use crate::random::Random;

/// Entries that are in the queue.
const LENGTH: u64 = 1000;
/// Where the numbers of the entries begin: both ends can be pushed at.
const MIDDLE: u64 = 1 << 40;

/// An end of the queue.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Head,
    Tail,
}

/// A queue in an engine.
struct Queue<'a> {
    engine: &'a dyn Engine,
    /// The number of the first entry, and the one after the last.
    numbers: std::ops::Range<u64>,
}

impl Bench {
    /// A push and a pop, each a commit, over and over.
    pub(super) fn queue(&mut self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        let mut queue = Queue { engine: &*engine, numbers: MIDDLE..MIDDLE };
        for _ in 0..LENGTH {
            queue.push(End::Tail)?;
        }
        let turns = self.scale.gets / 3;
        let ((), cost) = timed(|| {
            (0..turns).try_for_each(|_| {
                queue.push(End::Tail)?;
                queue.pop(End::Head)
            })
        })?;
        self.add_rate("queue: push behind, pop in front", turns, cost);
        let ((), cost) = timed(|| (0..turns / 10).try_for_each(|_| queue.look_at_head()))?;
        self.add_rate("queue: look at the head", turns / 10, cost);
        let mut random = Random(self.scale.seed);
        let mut either = || if random.below(2) == 0 { End::Head } else { End::Tail };
        let ((), cost) = timed(|| {
            (0..turns / 2).try_for_each(|_| {
                queue.push(either())?;
                queue.pop(either())
            })
        })?;
        self.add_rate("queue: push and pop at either end", turns / 2, cost);
        engine.read(&mut |reader| {
            expect("entries of the queue", reader.scan(&[], u64::MAX >> 1)?, LENGTH..=LENGTH)
        })?;
        engine.close()
    }
}

impl Queue<'_> {
    fn push(&mut self, end: End) -> Outcome {
        let number = if end == End::Head {
            self.numbers.start -= 1;
            self.numbers.start
        } else {
            self.numbers.end += 1;
            self.numbers.end - 1
        };
        let mut value = [0; 100];
        fill_half(&mut value, number);
        self.engine.put(&[(&number.to_be_bytes(), &value)])
    }

    /// Finds the entry as one does who knows no numbers, and removes it.
    fn pop(&mut self, end: End) -> Outcome {
        let mut found = None;
        self.engine.read(&mut |reader| {
            if end == End::Head {
                reader.walk(&[], 1, &mut |key, _| found = Some(key.to_vec()))?;
            } else {
                found = reader.last()?;
            }
            Ok(())
        })?;
        let number = if end == End::Head {
            self.numbers.start += 1;
            self.numbers.start - 1
        } else {
            self.numbers.end -= 1;
            self.numbers.end
        };
        let key = number.to_be_bytes();
        let is_right = found.as_deref() == Some(&key);
        expect("the entry at an end of the queue", u64::from(is_right), 1..=1)?;
        self.engine.remove(&[&key])
    }

    fn look_at_head(&self) -> Outcome {
        self.engine.read(&mut |reader| expect("a head", reader.scan(&[], 1)?, 1..=1))
    }
}
