//! A cursor over the entries of many sources in one order.
//!
//! The sources that stand on an entry form a binary heap by that entry: least on top when walking forward,
//! greatest when walking back. A step moves the top source and lets it sink. To turn around, every other
//! source is sought to the other side of the present entry, which costs a seek per source; a walk seldom turns.

use std::cmp::Ordering;

use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, KeyBound, Sequence};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// Merges sources. Of entries with the same key and sequence (a write that is in two sources because a log
/// was replayed) the one from the earlier source comes first.
pub(crate) struct MergingCursor<C> {
    sources: Vec<C>,
    /// Indices of the sources that stand on an entry, as a heap.
    heap: Vec<usize>,
    direction: Direction,
    failed: Option<Error>,
    /// Holds the present key while the sources turn around.
    turning_key: Vec<u8>,
}

impl<C: Cursor> MergingCursor<C> {
    /// A cursor over `sources`, which go from newest to oldest.
    pub(crate) fn new(sources: Vec<C>) -> Self {
        let heap = Vec::with_capacity(sources.len());
        Self { sources, heap, direction: Direction::Forward, failed: None, turning_key: Vec::new() }
    }

    /// Moves every source with `movement`, then orders them for walking in `direction`.
    fn place(
        &mut self,
        direction: Direction,
        mut movement: impl FnMut(usize, &mut C) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.heap.clear();
        self.direction = direction;
        for (index, source) in self.sources.iter_mut().enumerate() {
            match movement(index, source) {
                Ok(true) => self.heap.push(index),
                Ok(false) => {}
                Err(error) => {
                    self.heap.clear();
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
        for at in (0..self.heap.len() / 2).rev() {
            self.sink(at);
        }
        Ok(!self.heap.is_empty())
    }

    /// Whether source `left` is before source `right` in the present direction.
    fn precedes(&self, left: usize, right: usize) -> bool {
        let (this, that) = (self.sources[left].entry(), self.sources[right].entry());
        let order = this.compare_to(that.user_key, that.sequence).then(left.cmp(&right));
        match self.direction {
            Direction::Forward => order == Ordering::Less,
            Direction::Backward => order == Ordering::Greater,
        }
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && self.precedes(self.heap[child + 1], self.heap[child]) {
                child += 1;
            }
            if !self.precedes(self.heap[child], self.heap[at]) {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    fn step(&mut self, direction: Direction) -> Result<bool, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(&top) = self.heap.first() else { return Ok(false) };
        if self.direction != direction {
            return self.turn(direction, top);
        }
        let source = &mut self.sources[top];
        let moved = match direction {
            Direction::Forward => source.next(),
            Direction::Backward => source.previous(),
        };
        match moved {
            Ok(true) => {}
            Ok(false) => {
                self.heap.swap_remove(0);
            }
            Err(error) => {
                self.heap.clear();
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        self.sink(0);
        Ok(!self.heap.is_empty())
    }

    /// The entry that comes first but for that of the top source.
    fn runner_up(&self) -> Option<usize> {
        match self.heap.get(1..) {
            None | Some([]) => None,
            Some([only]) => Some(*only),
            Some([left, right, ..]) => Some(if self.precedes(*right, *left) { *right } else { *left }),
        }
    }

    /// One stretch of [`Cursor::next_while`]: as far as all entries are of one source. Answers whether to go on.
    fn walk_top(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        let Some(&top) = self.heap.first() else { return Ok(false) };
        let bound = match self.runner_up() {
            Some(runner_up) => {
                let entry = self.sources[runner_up].entry();
                self.turning_key.clear();
                self.turning_key.extend_from_slice(entry.user_key);
                // Equal ones are from the earlier source first.
                Some((entry.sequence, if top < runner_up { Ordering::Greater } else { Ordering::Equal }))
            }
            None => None,
        };
        let (bound_key, mut taken) = (KeyBound::new(&self.turning_key), true);
        let moved = self.sources[top].next_while(&mut |entry| {
            let is_first = bound.is_none_or(|(sequence, least_behind)| {
                let order = bound_key.compare(entry.user_key);
                order.then_with(|| sequence.cmp(&entry.sequence)) < least_behind
            });
            // Where it is another's turn nobody is asked.
            taken = !is_first || takes(entry);
            is_first && taken
        });
        match moved {
            Ok(true) => {}
            Ok(false) => {
                self.heap.swap_remove(0);
            }
            Err(error) => {
                self.heap.clear();
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        self.sink(0);
        Ok(taken && self.heap.first().is_some_and(|first| takes(self.sources[*first].entry())))
    }

    fn turn(&mut self, direction: Direction, top: usize) -> Result<bool, Error> {
        let mut key = std::mem::take(&mut self.turning_key);
        let entry = self.sources[top].entry();
        key.clear();
        key.extend_from_slice(entry.user_key);
        let sequence = entry.sequence;
        let answer = self.place(direction, |index, source| match direction {
            Direction::Forward if index == top => source.next(),
            Direction::Backward if index == top => source.previous(),
            // A sequence less comes just after in the order. Nothing is written at sequence 0.
            Direction::Forward => source.seek(&key, sequence.saturating_sub(1)),
            Direction::Backward => source.seek_before(&key, sequence),
        });
        self.turning_key = key;
        answer
    }
}

impl<C: Cursor> Cursor for MergingCursor<C> {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.place(Direction::Forward, |_, source| source.seek_first())
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.place(Direction::Backward, |_, source| source.seek_last())
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.place(Direction::Forward, |_, source| source.seek(key, sequence))
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.place(Direction::Backward, |_, source| source.seek_before(key, sequence))
    }

    fn next(&mut self) -> Result<bool, Error> {
        self.step(Direction::Forward)
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.step(Direction::Backward)
    }

    fn entry(&self) -> EntryRef<'_> {
        self.sources[self.heap[0]].entry()
    }

    fn next_while(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        if self.direction != Direction::Forward {
            return match self.next()? && takes(self.entry()) {
                true => self.next_while(takes),
                false => Ok(!self.heap.is_empty()),
            };
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        while self.walk_top(takes)? {}
        Ok(!self.heap.is_empty())
    }
}
