//! What a transaction has written and nobody else sees.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::savepoints::Step;
use crate::Error;
use crate::commit::Payload;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Kind, Sequence};
use crate::keyspace::KeyRange;
use crate::merging::{OWN_WRITES, Visibility};
use crate::tombstones::RangeTombstones;

/// The sequence of own range deletes.
const RANGE_DELETE: Sequence = OWN_WRITES;
/// The sequence of own puts and deletes: those that a later range delete covers are taken out when it is made, so
/// that the ones left are all newer than any range delete.
const POINT: Sequence = OWN_WRITES + 1;

/// A key's own value, `None` if the transaction deleted it.
pub(super) type Points = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Own puts, deletes and range deletes. Cloning shares them; a change after that leaves the clone as it was, at the
/// price of a copy, once.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnWrites {
    points: Arc<Points>,
    tombstones: Arc<RangeTombstones>,
}

impl OwnWrites {
    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.tombstones.is_empty()
    }

    /// Sets or deletes `key`; answers what was said of it before.
    pub(super) fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Option<Option<Vec<u8>>> {
        Arc::make_mut(&mut self.points).insert(key, value)
    }

    /// Takes back the write that this step was noted with, which must be the last.
    pub(super) fn take_back(&mut self, step: Step) {
        let points = Arc::make_mut(&mut self.points);
        match step {
            Step::Point { key, before: Some(before) } => {
                points.insert(key, before);
            }
            Step::Point { key, before: None } => {
                points.remove(&key);
            }
            Step::Range { mut covered, tombstones } => {
                points.append(&mut covered);
                self.tombstones = tombstones;
            }
        }
    }

    /// Deletes a range; answers the own writes that it covered.
    pub(super) fn delete_range(&mut self, range: &KeyRange) -> Points {
        let mut taken = Points::new();
        if range.is_empty() {
            return taken;
        }
        let bounds = (Bound::Included(range.start.as_slice()), Bound::Excluded(range.end.as_slice()));
        let covered: Vec<Vec<u8>> =
            self.points.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
        if !covered.is_empty() {
            let points = Arc::make_mut(&mut self.points);
            taken.extend(covered.into_iter().filter_map(|key| points.remove_entry(&key)));
        }
        Arc::make_mut(&mut self.tombstones).insert(&range.start, &range.end, RANGE_DELETE);
        taken
    }

    /// What the transaction's own writes say of `key`: nothing, that it is deleted, or its value.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        if let Some(own) = self.points.get(key) {
            return Some(own.as_deref());
        }
        self.tombstones.newest(key, Visibility::with_own_writes(0)).map(|_| None)
    }

    /// The writes as a batch that does the same.
    pub(super) fn to_payload(&self) -> Payload {
        let mut payload = Payload::default();
        for fragment in self.tombstones.fragments() {
            payload.delete_range(&fragment.start, &fragment.end);
        }
        for (key, value) in &*self.points {
            match value {
                Some(value) => payload.put(&[], key, value),
                None => payload.delete(&[], key),
            }
        }
        payload
    }

    /// The own range deletes.
    pub(crate) fn tombstones(&self) -> Arc<RangeTombstones> {
        self.tombstones.clone()
    }

    /// A cursor over own puts and deletes as they are now.
    pub(crate) fn cursor(&self) -> OwnWritesCursor {
        OwnWritesCursor { points: self.points.clone(), key: Vec::new(), value: None, on: false }
    }
}

/// Walks over own puts and deletes. It stands on a copy of an entry; a step is a search, logarithmic in the number
/// of own writes.
#[derive(Debug)]
pub(crate) struct OwnWritesCursor {
    points: Arc<Points>,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    on: bool,
}

impl OwnWritesCursor {
    fn stand_on(&mut self, found: Option<(Vec<u8>, Option<Vec<u8>>)>) -> bool {
        self.on = found.is_some();
        if let Some((key, value)) = found {
            self.key = key;
            self.value = value;
        }
        self.on
    }

    fn first_in(&mut self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
        let found = self.points.range::<[u8], _>(bounds).next();
        let found = found.map(|(key, value)| (key.clone(), value.clone()));
        self.stand_on(found)
    }

    fn last_in(&mut self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
        let found = self.points.range::<[u8], _>(bounds).next_back();
        let found = found.map(|(key, value)| (key.clone(), value.clone()));
        self.stand_on(found)
    }
}

impl Cursor for OwnWritesCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        Ok(self.first_in((Bound::Unbounded, Bound::Unbounded)))
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        Ok(self.last_in((Bound::Unbounded, Bound::Unbounded)))
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let start = if sequence >= POINT { Bound::Included(key) } else { Bound::Excluded(key) };
        Ok(self.first_in((start, Bound::Unbounded)))
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let end = if sequence >= POINT { Bound::Excluded(key) } else { Bound::Included(key) };
        Ok(self.last_in((Bound::Unbounded, end)))
    }

    fn next(&mut self) -> Result<bool, Error> {
        if !self.on {
            return Ok(false);
        }
        let key = std::mem::take(&mut self.key);
        Ok(self.first_in((Bound::Excluded(&key), Bound::Unbounded)))
    }

    fn previous(&mut self) -> Result<bool, Error> {
        if !self.on {
            return Ok(false);
        }
        let key = std::mem::take(&mut self.key);
        Ok(self.last_in((Bound::Unbounded, Bound::Excluded(&key))))
    }

    fn entry(&self) -> EntryRef<'_> {
        assert!(self.on, "a cursor that stands on no entry was asked for it");
        let kind = if self.value.is_some() { Kind::Put } else { Kind::Delete };
        let value = self.value.as_deref().unwrap_or_default();
        EntryRef { user_key: &self.key, sequence: POINT, kind, value }
    }
}
