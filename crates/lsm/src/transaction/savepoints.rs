//! Going back within a transaction: what each write replaced, kept while there is a savepoint to go back to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::own_writes::{OwnWrites, Points};
use crate::Error;
use crate::tombstones::RangeTombstones;

/// A moment in a transaction, made by [`Transaction::savepoint`](super::Transaction::savepoint).
#[derive(Debug)]
pub struct Savepoint {
    /// Unlike that of any other, of this transaction or another.
    number: u64,
}

/// Numbers savepoints.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// The savepoints of a transaction that are still good, and how to go back to them.
#[derive(Debug, Default)]
pub(super) struct Savepoints {
    /// Ascending: number, and how many steps there were when it was made.
    good: Vec<(u64, usize)>,
    steps: Vec<Step>,
}

/// What one write replaced.
#[derive(Debug)]
pub(super) enum Step {
    /// What was said of a key: nothing, that it is deleted, or its value.
    Point { key: Vec<u8>, before: Option<Option<Vec<u8>>> },
    /// The writes that a range delete covered, and the range deletes before it.
    Range { covered: Points, tombstones: Arc<RangeTombstones> },
}

impl Savepoints {
    /// A savepoint of now. Constant time.
    pub(super) fn add(&mut self) -> Savepoint {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        self.good.push((number, self.steps.len()));
        Savepoint { number }
    }

    /// Whether steps are to be noted.
    pub(super) fn are_noted(&self) -> bool {
        !self.good.is_empty()
    }

    pub(super) fn note(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Takes back what was written since `point`, which stays good; later ones do not. Time linear in these writes.
    ///
    /// # Errors
    /// [`Error::SavepointGone`]; nothing has changed then.
    pub(super) fn go_back(&mut self, point: &Savepoint, own: &mut OwnWrites) -> Result<(), Error> {
        let at = self.place(point)?;
        self.good.truncate(at + 1);
        for step in self.steps.drain(self.good[at].1..).rev() {
            own.take_back(step);
        }
        Ok(())
    }

    /// Forgets `point` and those after it; the writes stay.
    ///
    /// # Errors
    /// [`Error::SavepointGone`].
    pub(super) fn release(&mut self, point: &Savepoint) -> Result<(), Error> {
        let at = self.place(point)?;
        self.good.truncate(at);
        if self.good.is_empty() {
            self.steps = Vec::new();
        }
        Ok(())
    }

    fn place(&self, point: &Savepoint) -> Result<usize, Error> {
        self.good.binary_search_by_key(&point.number, |(number, _)| *number).map_err(|_| Error::SavepointGone)
    }
}
