//! The documents that a plan leads to, one at a time.

use std::collections::{BTreeSet, VecDeque};
use std::marker::PhantomData;

use bson::Document;

use super::Counters;
use crate::error::{Code, Error, Result};
use crate::interrupt;
use crate::planner::{Access, Plan, ScannedIndex};
use crate::record::{
    Reader, RecordId, decode, record_id_of_entry, record_id_of_record, record_key, record_prefix,
};
use crate::store::{Direction, Entries, KeyRange};

/// How many documents or entries are walked before it is asked again whether the request is to end.
const STEPS_BETWEEN_CHECKS: u32 = 64;

/// A document and the name of its record.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: RecordId,
    pub(crate) document: Document,
}

/// The stream of what a plan finds. Every document comes once.
pub(crate) struct Candidates<'r, R: Reader<'r>> {
    reader: R,
    collection_id: u64,
    counters: Counters,
    walk: Walk<'r>,
    steps: u32,
    lifetime: PhantomData<&'r ()>,
}

enum Walk<'r> {
    Nothing,
    One(RecordId),
    Records { ranges: Ranges<'r>, counts_keys: bool },
    Entries { ranges: Ranges<'r>, seen: Option<BTreeSet<RecordId>> },
}

/// Several ranges walked one after the other.
struct Ranges<'r> {
    pending: VecDeque<KeyRange>,
    current: Option<Entries<'r>>,
    direction: Direction,
}

impl<'r> Ranges<'r> {
    fn new(ranges: impl IntoIterator<Item = KeyRange>, direction: Direction) -> Ranges<'r> {
        let mut pending: VecDeque<KeyRange> = ranges.into_iter().collect();
        if direction == Direction::Backward {
            pending = pending.into_iter().rev().collect();
        }
        Ranges { pending, current: None, direction }
    }

    fn next(&mut self, reader: &impl Reader<'r>) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        loop {
            if let Some(entries) = &mut self.current
                && let Some(entry) = entries.next()
            {
                return Ok(Some(entry?));
            }
            let Some(range) = self.pending.pop_front() else { return Ok(None) };
            self.current = Some(reader.scan(range, self.direction)?);
        }
    }
}

impl<'r, R: Reader<'r>> Candidates<'r, R> {
    /// Begins to carry out `plan` on what `reader` reads.
    pub(crate) fn new(reader: R, plan: &Plan, counters: Counters) -> Candidates<'r, R> {
        let (collection_id, walk) = match &plan.entry {
            None => (0, Walk::Nothing),
            Some(entry) => (entry.id, walk(entry.id, plan)),
        };
        Candidates { reader, collection_id, counters, walk, steps: 0, lifetime: PhantomData }
    }

    fn advance(&mut self) -> Result<Option<Found>> {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_BETWEEN_CHECKS) {
            interrupt::check()?;
        }
        match &mut self.walk {
            Walk::Nothing => Ok(None),
            Walk::One(id) => {
                let id = std::mem::take(id);
                self.walk = Walk::Nothing;
                self.counters.count_key();
                self.fetch(id)
            }
            Walk::Records { ranges, counts_keys } => {
                let Some((key, bytes)) = ranges.next(&self.reader)? else { return Ok(None) };
                if *counts_keys {
                    self.counters.count_key();
                }
                self.counters.count_document();
                Ok(Some(Found { id: record_id_of_record(&key)?.to_vec(), document: decode(&bytes)? }))
            }
            Walk::Entries { ranges, seen } => loop {
                let Some((key, value)) = ranges.next(&self.reader)? else { return Ok(None) };
                self.counters.count_key();
                let id = record_id_of_entry(&key, &value)?.to_vec();
                if seen.as_mut().is_some_and(|seen| !seen.insert(id.clone())) {
                    continue;
                }
                return match self.fetch(id)? {
                    Some(found) => Ok(Some(found)),
                    None => Err(Error::new(
                        Code::InternalError,
                        "an index entry leads to no document; drop and recreate the index",
                    )),
                };
            },
        }
    }

    fn fetch(&self, id: RecordId) -> Result<Option<Found>> {
        let Some(bytes) = self.reader.get(&record_key(self.collection_id, &id))? else { return Ok(None) };
        self.counters.count_document();
        Ok(Some(Found { id, document: decode(&bytes)? }))
    }
}

impl<'r, R: Reader<'r>> Iterator for Candidates<'r, R> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.advance().transpose();
        if matches!(found, Some(Err(_))) {
            self.walk = Walk::Nothing;
        }
        found
    }
}

fn walk<'r>(collection_id: u64, plan: &Plan) -> Walk<'r> {
    match &plan.access {
        Access::Nothing => Walk::Nothing,
        Access::ById(id) => Walk::One(id.clone()),
        Access::CollectionScan(direction) => Walk::Records {
            ranges: Ranges::new([KeyRange::prefix(record_prefix(collection_id))], *direction),
            counts_keys: false,
        },
        Access::Index(access) => {
            let ranges = Ranges::new(access.ranges.iter().cloned(), access.direction);
            match access.index {
                ScannedIndex::Id => Walk::Records { ranges, counts_keys: true },
                ScannedIndex::Secondary(position) => {
                    let index = plan.entry.as_ref().and_then(|entry| entry.indexes.get(position));
                    let is_multikey = index.is_some_and(|index| index.is_multikey());
                    Walk::Entries { ranges, seen: is_multikey.then(BTreeSet::new) }
                }
            }
        }
    }
}

/// How many entries an exact plan meets, without a look at the documents; stops at `most`.
pub(crate) fn count_entries<'r>(
    reader: &impl Reader<'r>,
    plan: &Plan,
    counters: &Counters,
    most: u64,
) -> Result<u64> {
    let Some(entry) = &plan.entry else { return Ok(0) };
    let mut ranges = match walk(entry.id, plan) {
        Walk::Nothing => return Ok(0),
        Walk::One(id) => {
            counters.count_key();
            return Ok(u64::from(reader.get(&record_key(entry.id, &id))?.is_some()).min(most));
        }
        Walk::Records { ranges, .. } | Walk::Entries { ranges, .. } => ranges,
    };
    let mut count = 0;
    while count < most && ranges.next(reader)?.is_some() {
        counters.count_key();
        count += 1;
        if count.is_multiple_of(u64::from(STEPS_BETWEEN_CHECKS)) {
            interrupt::check()?;
        }
    }
    Ok(count)
}
