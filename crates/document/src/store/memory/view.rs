//! Snapshots of the store in memory and the streams that read them.

use std::sync::Arc;

use parking_lot::RwLock;

use super::state::State;
use crate::store::range::after_key;
use crate::store::{Direction, Entries, Entry, KeyRange, ReadView, StoreError};

/// How many entries the first lock of a stream brings; each later one brings twice as many.
const FIRST_CHUNK: usize = 8;
const LARGEST_CHUNK: usize = 256;

/// A sequence that is registered as being read until this drops.
#[derive(Debug)]
struct Registration {
    state: Arc<RwLock<State>>,
    sequence: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.state.write().release(self.sequence);
    }
}

/// The state as of one commit.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    registration: Arc<Registration>,
}

impl Snapshot {
    pub(super) fn take(state: &Arc<RwLock<State>>) -> Snapshot {
        let sequence = state.write().register();
        Snapshot { registration: Arc::new(Registration { state: Arc::clone(state), sequence }) }
    }

    pub(super) fn sequence(&self) -> u64 {
        self.registration.sequence
    }

    pub(super) fn state(&self) -> &RwLock<State> {
        &self.registration.state
    }

    pub(super) fn stream(&self, range: KeyRange, direction: Direction) -> Stream {
        Stream {
            snapshot: self.clone(),
            rest: Some(range),
            direction,
            buffered: Vec::new().into_iter(),
            chunk: FIRST_CHUNK,
        }
    }
}

impl ReadView for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().read().get(key, self.sequence()).map(<[u8]>::to_vec))
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'static>, StoreError> {
        Ok(Box::new(self.stream(range, direction)))
    }
}

/// Reads a range in chunks; holds the lock only while it copies one.
pub(super) struct Stream {
    snapshot: Snapshot,
    /// What is not buffered yet; none after the last chunk.
    rest: Option<KeyRange>,
    direction: Direction,
    buffered: std::vec::IntoIter<Entry>,
    chunk: usize,
}

impl Iterator for Stream {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.buffered.next() {
            return Some(Ok(entry));
        }
        let rest = self.rest.as_mut()?;
        let sequence = self.snapshot.sequence();
        let entries = self.snapshot.state().read().chunk(rest, self.direction, sequence, self.chunk);
        match entries.last() {
            Some((last, _)) if entries.len() == self.chunk => match self.direction {
                Direction::Forward => rest.start = after_key(last),
                Direction::Backward => rest.end = Some(last.clone()),
            },
            _ => self.rest = None,
        }
        self.chunk = (self.chunk * 2).min(LARGEST_CHUNK);
        self.buffered = entries.into_iter();
        self.buffered.next().map(Ok)
    }
}
