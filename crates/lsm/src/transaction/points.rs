//! Own puts and deletes that are in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Kind, Sequence};
use crate::keyspace::KeyRange;

/// What a key takes in memory beside itself and its value, in bytes: nodes of the map, vectors and the allocator.
const KEY_OVERHEAD: usize = 128;
/// What another version of a key takes beside its value.
const VERSION_OVERHEAD: usize = 64;

/// One write of a key.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) sequence: Sequence,
    pub(super) kind: Kind,
    /// The value, or the encoded reference to it; empty for a delete.
    pub(super) value: Vec<u8>,
}

impl Version {
    /// What it says of `key`.
    pub(super) fn entry<'a>(&'a self, key: &'a [u8]) -> EntryRef<'a> {
        EntryRef { user_key: key, sequence: self.sequence, kind: self.kind, value: &self.value }
    }
}

/// The writes of one key that somebody may still want.
#[derive(Debug, Clone)]
struct Versions {
    newest: Version,
    /// Those before it that a savepoint may bring back, ascending.
    older: Vec<Version>,
}

/// Keys in order, and of each the newest write and those that savepoints keep.
#[derive(Debug, Clone, Default)]
pub(super) struct Points {
    keys: BTreeMap<Vec<u8>, Versions>,
    bytes: usize,
}

impl Points {
    /// Whether nothing is there.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a write, newer than all before; earlier ones of the key stay if they are not after `kept_through`.
    pub(super) fn write(&mut self, key: Vec<u8>, version: Version, kept_through: Sequence) {
        self.bytes += version.value.len();
        match self.keys.get_mut(&key) {
            None => {
                self.bytes += key.len() + KEY_OVERHEAD;
                self.keys.insert(key, Versions { newest: version, older: Vec::new() });
            }
            Some(versions) => {
                let before = std::mem::replace(&mut versions.newest, version);
                if before.sequence <= kept_through {
                    self.bytes += VERSION_OVERHEAD;
                    versions.older.push(before);
                } else {
                    self.bytes -= before.value.len();
                }
            }
        }
    }

    /// Forgets the writes in `range` that came after `kept_through`.
    pub(super) fn forget_range(&mut self, range: &KeyRange, kept_through: Sequence) {
        let bounds = (Bound::Included(range.start.as_slice()), Bound::Excluded(range.end.as_slice()));
        let covered: Vec<Vec<u8>> = self.keys.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
        covered.iter().for_each(|key| self.take_back(key, kept_through));
    }

    /// Forgets the writes of `key` that came after `kept_through`.
    pub(super) fn take_back(&mut self, key: &[u8], kept_through: Sequence) {
        let Some(versions) = self.keys.get_mut(key) else { return };
        while versions.newest.sequence > kept_through {
            self.bytes -= versions.newest.value.len();
            match versions.older.pop() {
                Some(before) => {
                    self.bytes -= VERSION_OVERHEAD;
                    versions.newest = before;
                }
                None => {
                    self.bytes -= key.len() + KEY_OVERHEAD;
                    self.keys.remove(key);
                    return;
                }
            }
        }
    }

    /// The newest write of `key`.
    pub(super) fn newest(&self, key: &[u8]) -> Option<&Version> {
        self.keys.get(key).map(|versions| &versions.newest)
    }

    /// Every key with its newest write, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Version)> {
        self.keys.iter().map(|(key, versions)| (key.as_slice(), &versions.newest))
    }
}

impl Versions {
    /// The newest of those whose sequence is at most this.
    fn up_to(&self, sequence: Sequence) -> Option<&Version> {
        self.descending().find(|version| version.sequence <= sequence)
    }

    /// The oldest of those whose sequence is more than this.
    fn after(&self, sequence: Sequence) -> Option<&Version> {
        self.older.iter().chain([&self.newest]).find(|version| version.sequence > sequence)
    }

    fn descending(&self) -> impl Iterator<Item = &Version> {
        [&self.newest].into_iter().chain(self.older.iter().rev())
    }

    fn oldest(&self) -> &Version {
        self.older.first().unwrap_or(&self.newest)
    }
}

/// Walks over own puts and deletes, every version of them. It stands on a copy of an entry; a step is a search,
/// logarithmic in the number of keys.
#[derive(Debug)]
pub(crate) struct PointsCursor {
    points: Arc<Points>,
    key: Vec<u8>,
    version: Option<Version>,
}

impl PointsCursor {
    pub(super) fn new(points: Arc<Points>) -> Self {
        PointsCursor { points, key: Vec::new(), version: None }
    }

    fn stand_on(&mut self, found: Option<(Vec<u8>, Version)>) -> bool {
        self.version = found.map(|(key, version)| {
            self.key = key;
            version
        });
        self.version.is_some()
    }

    fn first_in(&mut self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
        let found = self.points.keys.range::<[u8], _>(bounds).next();
        let found = found.map(|(key, versions)| (key.clone(), versions.newest.clone()));
        self.stand_on(found)
    }

    fn last_in(&mut self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
        let found = self.points.keys.range::<[u8], _>(bounds).next_back();
        let found = found.map(|(key, versions)| (key.clone(), versions.oldest().clone()));
        self.stand_on(found)
    }

    /// To the newest version of `key` with at most this sequence, or to what comes after the key.
    fn seek_from(&mut self, key: &[u8], sequence: Sequence) -> bool {
        let found = self.points.keys.get(key).and_then(|versions| versions.up_to(sequence)).cloned();
        match found {
            Some(version) => self.stand_on(Some((key.to_vec(), version))),
            None => self.first_in((Bound::Excluded(key), Bound::Unbounded)),
        }
    }

    /// To the oldest version of `key` with a greater sequence, or to what comes before the key.
    fn seek_back_from(&mut self, key: &[u8], sequence: Sequence) -> bool {
        let found = self.points.keys.get(key).and_then(|versions| versions.after(sequence)).cloned();
        match found {
            Some(version) => self.stand_on(Some((key.to_vec(), version))),
            None => self.last_in((Bound::Unbounded, Bound::Excluded(key))),
        }
    }
}

impl Cursor for PointsCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        Ok(self.first_in((Bound::Unbounded, Bound::Unbounded)))
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        Ok(self.last_in((Bound::Unbounded, Bound::Unbounded)))
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        Ok(self.seek_from(key, sequence))
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        Ok(self.seek_back_from(key, sequence))
    }

    fn next(&mut self) -> Result<bool, Error> {
        let Some(version) = self.version.take() else { return Ok(false) };
        let key = std::mem::take(&mut self.key);
        Ok(self.seek_from(&key, version.sequence - 1))
    }

    fn previous(&mut self) -> Result<bool, Error> {
        let Some(version) = self.version.take() else { return Ok(false) };
        let key = std::mem::take(&mut self.key);
        Ok(self.seek_back_from(&key, version.sequence))
    }

    fn entry(&self) -> EntryRef<'_> {
        match &self.version {
            Some(version) => version.entry(&self.key),
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(sequence: Sequence, value: &str) -> Version {
        Version { sequence, kind: Kind::Put, value: value.into() }
    }

    #[test]
    fn versions_that_a_savepoint_keeps_come_back_and_others_are_forgotten() {
        let mut points = Points::default();
        points.write(b"a".to_vec(), version(1, "one"), 0);
        points.write(b"a".to_vec(), version(2, "two"), 0);
        points.write(b"a".to_vec(), version(3, "three"), 2);
        points.write(b"a".to_vec(), version(4, "four"), 2);
        points.write(b"b".to_vec(), version(5, "five"), 2);
        let mut cursor = PointsCursor::new(Arc::new(points.clone()));
        let mut walked = Vec::new();
        let mut on = cursor.seek_first().unwrap();
        while on {
            walked.push((cursor.entry().user_key.to_vec(), cursor.entry().sequence));
            on = cursor.next().unwrap();
        }
        assert_eq!(walked, [(b"a".to_vec(), 4), (b"a".to_vec(), 2), (b"b".to_vec(), 5)]);
        let mut back = Vec::new();
        let mut on = cursor.seek_last().unwrap();
        while on {
            back.push((cursor.entry().user_key.to_vec(), cursor.entry().sequence));
            on = cursor.previous().unwrap();
        }
        back.reverse();
        assert_eq!(walked, back);
        points.take_back(b"a", 2);
        points.take_back(b"b", 2);
        assert_eq!(points.newest(b"a").unwrap().value, b"two");
        assert!(points.newest(b"b").is_none());
        points.take_back(b"a", 0);
        assert_eq!((points.is_empty(), points.bytes()), (true, 0));
    }
}
