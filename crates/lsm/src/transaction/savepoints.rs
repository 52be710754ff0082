//! Going back within a transaction: where each savepoint stands among the own writes, and what was written since.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::own_writes::OwnWrites;
use crate::Error;
use crate::entry::Sequence;
use crate::tombstones::RangeTombstones;

/// What a note takes in memory beside its key, in bytes.
const NOTE_OVERHEAD: usize = 48;

/// A moment in a transaction, made by [`Transaction::savepoint`](super::Transaction::savepoint).
#[derive(Debug)]
pub struct Savepoint {
    /// Unlike that of any other, of this transaction or another.
    number: u64,
}

/// Numbers savepoints.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// The savepoints of a transaction that are still good, and what was written in memory since the first.
#[derive(Debug, Default)]
pub(super) struct Savepoints {
    /// In the order in which they were made.
    good: Vec<Good>,
    /// Keys written since the first of them and since the last spill.
    notes: Vec<(Sequence, Vec<u8>)>,
    note_bytes: usize,
}

/// A savepoint as its transaction knows it.
#[derive(Debug)]
struct Good {
    number: u64,
    /// That of the last write before it.
    sequence: Sequence,
    tombstones: Arc<RangeTombstones>,
}

impl Savepoints {
    /// A savepoint after all that is in `own`. Constant time.
    pub(super) fn add(&mut self, own: &OwnWrites) -> Savepoint {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        self.good.push(Good { number, sequence: own.last(), tombstones: own.tombstones().clone() });
        Savepoint { number }
    }

    /// Writes up to this sequence may be asked for again; 0 for none.
    pub(super) fn kept_through(&self) -> Sequence {
        self.good.last().map_or(0, |good| good.sequence)
    }

    /// Where one may go back to, ascending.
    pub(super) fn sequences(&self) -> Vec<Sequence> {
        self.good.iter().map(|good| good.sequence).collect()
    }

    /// Bytes that notes take in memory, about.
    pub(super) fn note_bytes(&self) -> usize {
        self.note_bytes
    }

    /// Notes a key that was just written, if there is a savepoint.
    pub(super) fn note(&mut self, sequence: Sequence, key: impl FnOnce() -> Vec<u8>) {
        if !self.good.is_empty() {
            let key = key();
            self.note_bytes += key.len() + NOTE_OVERHEAD;
            self.notes.push((sequence, key));
        }
    }

    /// What was noted is in memory no more.
    pub(super) fn note_spilled(&mut self) {
        self.notes = Vec::new();
        self.note_bytes = 0;
    }

    /// Takes back what was written since `point`, which stays good; later ones do not. Time linear in these writes as
    /// far as they are in memory, and in the number of runs beside it.
    ///
    /// # Errors
    /// [`Error::SavepointGone`]; nothing has changed then.
    pub(super) fn go_back(&mut self, point: &Savepoint, own: &mut OwnWrites) -> Result<(), Error> {
        let at = self.place(point)?;
        self.good.truncate(at + 1);
        let good = &self.good[at];
        while let Some((_, key)) = self.notes.pop_if(|(sequence, _)| *sequence > good.sequence) {
            self.note_bytes -= key.len() + NOTE_OVERHEAD;
            own.take_back(&key, good.sequence);
        }
        own.go_back(good.sequence, good.tombstones.clone());
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
            self.note_spilled();
        }
        Ok(())
    }

    fn place(&self, point: &Savepoint) -> Result<usize, Error> {
        self.good.binary_search_by_key(&point.number, |good| good.number).map_err(|_| Error::SavepointGone)
    }
}
