//! Walking over a range of keys from both ends.

use std::sync::Arc;

use super::scans::{OpenCursors, ScanCursor, ScanSlot};
use crate::database::Core;
use crate::keyspace::{KeyRange, PREFIX_BYTES};
use crate::merging::Visibility;
use crate::snapshot::SnapshotGuard;
use crate::transaction::{OwnWrites, TrackedRange};
use crate::values::{Found, Located, Overtaken};
use crate::{Error, Value};

/// The entries of a range of keys, in order, from either end: key and value each. It sees one moment of the
/// database, and in a transaction the transaction's own writes up to the call that made it.
///
/// It may be kept as long as one likes: it holds no lock, and hands memory back when that is needed elsewhere. After
/// an error it ends.
#[derive(Debug)]
pub struct Range {
    scan: Scan,
    slot: Arc<ScanSlot>,
    failure: Option<Error>,
}

/// What a scan is, but for its cursors, which another thread may take away.
#[derive(Debug)]
struct Scan {
    core: Arc<Core>,
    /// What is left: both ends move towards each other.
    rest: KeyRange,
    /// Keeps what `visibility` sees.
    _guard: SnapshotGuard,
    visibility: Visibility,
    own: Option<OwnWrites>,
    tracked: Option<Arc<TrackedRange>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Range {
    pub(crate) fn new(
        core: Arc<Core>,
        range: KeyRange,
        guard: SnapshotGuard,
        visibility: Visibility,
    ) -> Self {
        let slot = core.scans().register();
        let scan = Scan { core, rest: range, _guard: guard, visibility, own: None, tracked: None };
        Range { scan, slot, failure: None }
    }

    /// Makes it see a transaction's own writes, and tell the transaction what it read.
    pub(crate) fn in_transaction(mut self, own: OwnWrites, tracked: Arc<TrackedRange>) -> Self {
        self.scan.own = Some(own);
        self.scan.tracked = Some(tracked);
        self
    }

    /// Makes it answer with an error first and then end.
    pub(crate) fn failing_with(mut self, failure: Option<Error>) -> Self {
        self.failure = failure;
        self
    }

    fn advance(&mut self, end: End) -> Option<Result<(Vec<u8>, Value), Error>> {
        if let Some(failure) = self.failure.take() {
            self.exhaust();
            return Some(Err(failure));
        }
        if self.scan.rest.is_empty() {
            return None;
        }
        let outcome = self.scan.step(end, &mut self.slot.lock());
        match outcome {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                if let Some(tracked) = &self.scan.tracked {
                    tracked.read_whole();
                }
                self.exhaust();
                None
            }
            Err(error) => {
                self.exhaust();
                Some(Err(error))
            }
        }
    }

    fn exhaust(&mut self) {
        self.scan.rest.start.clone_from(&self.scan.rest.end);
        drop(std::mem::take(&mut *self.slot.lock()));
    }
}

impl Scan {
    fn step(&mut self, end: End, open: &mut OpenCursors) -> Result<Option<(Vec<u8>, Value)>, Error> {
        let mut overtaken = Overtaken::default();
        loop {
            let place = match end {
                End::Front => &mut open.front,
                End::Back => &mut open.back,
            };
            let Some(cursor) = self.advance_cursor(end, place)? else {
                return Ok(None);
            };
            let value = match cursor.found()? {
                Found::Inline(value) => value,
                Found::Stored(reference) => match self.core.values().find(reference.file) {
                    Some(file) => Located::Stored(file, reference).load()?,
                    // Its cursors are older than the file's end: new ones know where the value is now.
                    None => {
                        overtaken.note(reference)?;
                        continue;
                    }
                },
            };
            let key = cursor.key();
            let entry = (key.get(PREFIX_BYTES..).unwrap_or_default().to_vec(), value);
            match end {
                End::Front => {
                    self.rest.start.clear();
                    self.rest.start.extend_from_slice(key);
                    self.rest.start.push(0);
                }
                End::Back => {
                    self.rest.end.clear();
                    self.rest.end.extend_from_slice(key);
                }
            }
            *place = Some(cursor);
            self.note_read(end);
            return Ok(Some(entry));
        }
    }

    /// Tells the transaction, if there is one, how far the scan has come.
    fn note_read(&self, end: End) {
        if let Some(tracked) = &self.tracked {
            match end {
                End::Front => tracked.read_up_to(&self.rest.start),
                End::Back => tracked.read_down_to(&self.rest.end),
            }
        }
    }

    /// Takes the cursor out of its place, or a new one, and moves it to the next entry of the range, if there is one.
    fn advance_cursor(&self, end: End, place: &mut Option<ScanCursor>) -> Result<Option<ScanCursor>, Error> {
        let (mut cursor, fresh) = match place.take() {
            Some(cursor) => (cursor, false),
            None => (self.open_cursor(), true),
        };
        let on = match (end, fresh) {
            (End::Front, true) => cursor.seek(&self.rest.start)?,
            (End::Front, false) => cursor.next()?,
            (End::Back, true) => cursor.seek_before(&self.rest.end)?,
            (End::Back, false) => cursor.previous()?,
        };
        let is_inside =
            on && cursor.key() >= self.rest.start.as_slice() && cursor.key() < self.rest.end.as_slice();
        Ok(is_inside.then_some(cursor))
    }

    fn open_cursor(&self) -> ScanCursor {
        self.core.read_view().scan(&self.rest, self.visibility, self.own.as_ref(), self.core.dead_ranges())
    }
}

impl Iterator for Range {
    type Item = Result<(Vec<u8>, Value), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(End::Front)
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.advance(End::Back)
    }
}

impl std::iter::FusedIterator for Range {}
