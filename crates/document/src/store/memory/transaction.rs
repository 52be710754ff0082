//! Optimistic transactions on the store in memory.

use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::state::{ReadSet, State, WriteSet};
use super::view::{Snapshot, Stream};
use crate::store::range::after_key;
use crate::store::{
    CommitOptions, CommitToken, Direction, Entries, Entry, KeyRange, StoreError, StoreTransaction,
};

/// Reads a snapshot and its own writes, remembers what it read, is checked when it commits.
pub(super) struct MemoryTransaction {
    state: Arc<RwLock<State>>,
    snapshot: Snapshot,
    /// Behind a lock because reads take `&self`.
    reads: Mutex<ReadSet>,
    writes: WriteSet,
}

impl MemoryTransaction {
    pub(super) fn begin(state: &Arc<RwLock<State>>) -> MemoryTransaction {
        MemoryTransaction {
            state: Arc::clone(state),
            snapshot: Snapshot::take(state),
            reads: Mutex::default(),
            writes: WriteSet::default(),
        }
    }
}

impl StoreTransaction for MemoryTransaction {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.writes.keys.get(key) {
            return Ok(value.clone());
        }
        if self.writes.ranges.iter().any(|range| range.contains(key)) {
            return Ok(None);
        }
        self.reads.lock().keys.insert(key.to_vec());
        Ok(self.snapshot.state().read().get(key, self.snapshot.sequence()).map(<[u8]>::to_vec))
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'_>, StoreError> {
        if range.is_empty() {
            return Ok(Box::new(std::iter::empty()));
        }
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let own = self.writes.keys.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let own: Box<dyn Iterator<Item = OwnWrite<'_>> + Send + '_> = match direction {
            Direction::Forward => Box::new(own),
            Direction::Backward => Box::new(own.rev()),
        };
        Ok(Box::new(TrackedScan {
            transaction: self,
            base: self.snapshot.stream(range.clone(), direction).peekable(),
            own: own.peekable(),
            direction,
            walked: Walked { range, last: None, is_exhausted: false },
        }))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.writes.keys.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.writes.keys.insert(key.to_vec(), None);
        Ok(())
    }

    fn delete_range(&mut self, range: KeyRange) -> Result<(), StoreError> {
        if !range.is_empty() {
            self.writes.keys.retain(|key, _| !range.contains(key));
            self.writes.ranges.push(range);
        }
        Ok(())
    }

    fn commit(self: Box<Self>, _options: CommitOptions) -> Result<CommitToken, StoreError> {
        let MemoryTransaction { state, snapshot, reads, writes } = *self;
        let committed = state.write().commit(snapshot.sequence(), &reads.into_inner(), writes);
        drop(snapshot);
        committed
    }
}

type OwnWrite<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);

/// How far a scan has come.
struct Walked {
    range: KeyRange,
    last: Option<Vec<u8>>,
    is_exhausted: bool,
}

/// Merges the snapshot with the transaction's own writes; notes what it walked when it drops.
struct TrackedScan<'a> {
    transaction: &'a MemoryTransaction,
    base: Peekable<Stream>,
    own: Peekable<Box<dyn Iterator<Item = OwnWrite<'a>> + Send + 'a>>,
    direction: Direction,
    walked: Walked,
}

impl TrackedScan<'_> {
    fn advance(&mut self) -> Option<Result<Entry, StoreError>> {
        loop {
            let base_key = match self.base.peek() {
                Some(Ok((key, _))) => Some(key),
                Some(Err(_)) => return self.base.next(),
                None => None,
            };
            let own_key = self.own.peek().map(|(key, _)| *key);
            let order = match (base_key, own_key) {
                (None, None) => return None,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(base), Some(own)) if self.direction == Direction::Forward => base.cmp(own),
                (Some(base), Some(own)) => own.cmp(base),
            };
            if order.is_lt() {
                let entry = self.base.next()?;
                let is_deleted =
                    |key: &[u8]| self.transaction.writes.ranges.iter().any(|range| range.contains(key));
                if entry.as_ref().is_ok_and(|(key, _)| is_deleted(key)) {
                    continue;
                }
                return Some(entry);
            }
            if order.is_eq() {
                self.base.next();
            }
            let (key, value) = self.own.next()?;
            if let Some(value) = value {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    }
}

impl Iterator for TrackedScan<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.advance();
        match &entry {
            Some(Ok((key, _))) => self.walked.last = Some(key.clone()),
            Some(Err(_)) => {}
            None => self.walked.is_exhausted = true,
        }
        entry
    }
}

impl Drop for TrackedScan<'_> {
    fn drop(&mut self) {
        let Walked { range, last, is_exhausted } = &mut self.walked;
        let mut walked = range.clone();
        if !*is_exhausted {
            let Some(last) = last.take() else { return };
            match self.direction {
                Direction::Forward => walked.end = Some(after_key(&last)),
                Direction::Backward => walked.start = last,
            }
        }
        self.transaction.reads.lock().ranges.push(walked);
    }
}
