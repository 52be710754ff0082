//! The versions of every key, the snapshots that still need them, and the commits that transactions check.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::store::{CommitToken, Direction, Entry, KeyRange, StoreError, StoreStatistics};

/// One value of a key; none says that the key was deleted.
#[derive(Debug)]
struct Stamped {
    sequence: u64,
    value: Option<Vec<u8>>,
}

/// What a commit changed, kept until no running transaction began before it.
#[derive(Debug)]
struct Changed {
    sequence: u64,
    keys: Vec<Vec<u8>>,
    ranges: Vec<KeyRange>,
}

/// What a transaction has read.
#[derive(Debug, Default)]
pub(super) struct ReadSet {
    pub(super) keys: std::collections::BTreeSet<Vec<u8>>,
    pub(super) ranges: Vec<KeyRange>,
}

impl ReadSet {
    fn touches(&self, changed: &Changed) -> bool {
        changed
            .keys
            .iter()
            .any(|key| self.keys.contains(key) || self.ranges.iter().any(|range| range.contains(key)))
            || changed.ranges.iter().any(|range| {
                self.ranges.iter().any(|read| read.overlaps(range))
                    || self.keys.iter().any(|key| range.contains(key))
            })
    }
}

/// What a transaction will write: the ranges are deleted first, then the keys are set.
#[derive(Debug, Default)]
pub(super) struct WriteSet {
    pub(super) keys: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(super) ranges: Vec<KeyRange>,
}

/// Everything the store knows. The store's lock guards it as a whole.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Versions per key, oldest first.
    versions: BTreeMap<Vec<u8>, Vec<Stamped>>,
    /// The last commit.
    sequence: u64,
    /// How many snapshots and transactions look at each sequence.
    readers: BTreeMap<u64, usize>,
    recent: VecDeque<Changed>,
    /// Keys that have more than one version or a deletion, with the commit that made them so.
    garbage: VecDeque<(u64, Vec<u8>)>,
    conflicts: u64,
    bytes: u64,
}

impl State {
    pub(super) fn register(&mut self) -> u64 {
        *self.readers.entry(self.sequence).or_default() += 1;
        self.sequence
    }

    pub(super) fn release(&mut self, sequence: u64) {
        if let Some(count) = self.readers.get_mut(&sequence) {
            *count -= 1;
            if *count == 0 {
                self.readers.remove(&sequence);
            }
        }
    }

    pub(super) fn statistics(&self) -> StoreStatistics {
        StoreStatistics {
            memory_bytes: self.bytes,
            disk_bytes: 0,
            commits: self.sequence,
            conflicts: self.conflicts,
        }
    }

    #[cfg(test)]
    pub(super) fn version_count(&self) -> usize {
        self.versions.values().map(Vec::len).sum()
    }

    pub(super) fn get(&self, key: &[u8], sequence: u64) -> Option<&[u8]> {
        visible(self.versions.get(key)?, sequence)
    }

    /// Up to `count` entries of `range` as of `sequence`, from its start or (backward) its end.
    pub(super) fn chunk(
        &self,
        range: &KeyRange,
        direction: Direction,
        sequence: u64,
        count: usize,
    ) -> Vec<Entry> {
        if range.is_empty() {
            return Vec::new();
        }
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.versions.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let seen = |(key, versions): (&Vec<u8>, &Vec<Stamped>)| {
            visible(versions, sequence).map(|value| (key.clone(), value.to_vec()))
        };
        match direction {
            Direction::Forward => entries.filter_map(seen).take(count).collect(),
            Direction::Backward => entries.rev().filter_map(seen).take(count).collect(),
        }
    }

    /// Checks the read set against every commit since `begun`, then applies the writes.
    pub(super) fn commit(
        &mut self,
        begun: u64,
        reads: &ReadSet,
        writes: WriteSet,
    ) -> Result<CommitToken, StoreError> {
        let since = self.recent.partition_point(|changed| changed.sequence <= begun);
        if self.recent.range(since..).any(|changed| reads.touches(changed)) {
            self.conflicts += 1;
            return Err(StoreError::Conflict);
        }
        if writes.keys.is_empty() && writes.ranges.is_empty() {
            return Ok(CommitToken { epoch: 0, sequence: self.sequence });
        }
        self.sequence += 1;
        for range in &writes.ranges {
            let present = self.chunk(range, Direction::Forward, self.sequence, usize::MAX);
            for (key, _) in present {
                self.stamp(key, None);
            }
        }
        let mut keys = Vec::with_capacity(writes.keys.len());
        for (key, value) in writes.keys {
            keys.push(key.clone());
            self.stamp(key, value);
        }
        self.recent.push_back(Changed { sequence: self.sequence, keys, ranges: writes.ranges });
        self.reclaim();
        Ok(CommitToken { epoch: 0, sequence: self.sequence })
    }

    fn stamp(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let stamped = Stamped { sequence: self.sequence, value };
        self.bytes += weight(&key, &stamped);
        let versions = self.versions.entry(key.clone()).or_default();
        let is_garbage = !versions.is_empty() || stamped.value.is_none();
        versions.push(stamped);
        if is_garbage {
            self.garbage.push_back((self.sequence, key));
        }
    }

    /// Drops what no snapshot and no transaction can see or conflict with.
    fn reclaim(&mut self) {
        let oldest = self.readers.keys().next().copied().unwrap_or(self.sequence);
        while self.recent.front().is_some_and(|changed| changed.sequence <= oldest) {
            self.recent.pop_front();
        }
        while self.garbage.front().is_some_and(|(sequence, _)| *sequence <= oldest) {
            let Some((_, key)) = self.garbage.pop_front() else { break };
            let Some(versions) = self.versions.get_mut(&key) else { continue };
            let newest_seen = versions.partition_point(|stamped| stamped.sequence <= oldest);
            let mut dropped = newest_seen.saturating_sub(1);
            if versions
                .get(dropped)
                .is_some_and(|stamped| stamped.sequence <= oldest && stamped.value.is_none())
            {
                dropped += 1;
            }
            for stamped in versions.drain(..dropped) {
                self.bytes = self.bytes.saturating_sub(weight(&key, &stamped));
            }
            if versions.is_empty() {
                self.versions.remove(&key);
            }
        }
    }
}

fn weight(key: &[u8], stamped: &Stamped) -> u64 {
    (key.len() + stamped.value.as_ref().map_or(0, Vec::len)) as u64
}

fn visible(versions: &[Stamped], sequence: u64) -> Option<&[u8]> {
    versions.iter().rev().find(|stamped| stamped.sequence <= sequence)?.value.as_deref()
}
