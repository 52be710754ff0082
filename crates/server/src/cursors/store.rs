//! The cursors that are open, by their id.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stroma_document::{Code, Error, Result};

use super::OpenCursor;
use crate::sessions::SessionId;

/// All open cursors. Each is read by one request at a time.
pub(crate) struct Cursors {
    idle: Duration,
    /// Makes ids that a client cannot guess from those it has.
    seed: RandomState,
    opened: AtomicU64,
    timed_out: AtomicU64,
    slots: Mutex<HashMap<i64, Slot>>,
}

struct Slot {
    opening: Opening,
    /// None while a request reads from it.
    cursor: Option<OpenCursor>,
    used: Instant,
}

/// What a cursor is opened for.
pub(crate) struct Opening {
    /// The collection, in full, that later requests must name too.
    pub(crate) namespace: String,
    pub(crate) session: Option<SessionId>,
    /// Whether it is kept however long nobody reads from it.
    pub(crate) is_kept: bool,
}

/// A cursor while a request reads from it. Dropped without being given back, it is closed.
pub(crate) struct Borrowed<'c> {
    cursors: &'c Cursors,
    id: i64,
    cursor: Option<OpenCursor>,
}

impl Cursors {
    /// None open; those that are not used for `idle` are closed.
    pub(crate) fn new(idle: Duration) -> Cursors {
        Cursors {
            idle,
            seed: RandomState::new(),
            opened: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            slots: Mutex::default(),
        }
    }

    /// Keeps a cursor; gives its id, which is positive.
    pub(crate) fn open(&self, opening: Opening, cursor: OpenCursor) -> i64 {
        let slot = Slot { opening, cursor: Some(cursor), used: Instant::now() };
        let mut slots = self.slots.lock();
        loop {
            let number = self.opened.fetch_add(1, Ordering::Relaxed);
            let id = (self.seed.hash_one(number) >> 1) as i64;
            if id != 0 && !slots.contains_key(&id) {
                slots.insert(id, slot);
                return id;
            }
        }
    }

    /// Takes a cursor to read from it.
    ///
    /// # Errors
    /// `CursorNotFound` (43), `Unauthorized` (13) if it belongs to another collection, 12051 if another
    /// request reads from it.
    pub(crate) fn borrow(&self, id: i64, namespace: &str) -> Result<Borrowed<'_>> {
        let mut slots = self.slots.lock();
        let slot = slots
            .get_mut(&id)
            .ok_or_else(|| Error::new(Code::CursorNotFound, format!("cursor id {id} not found")))?;
        if slot.opening.namespace != namespace {
            let owner = &slot.opening.namespace;
            let message =
                format!("Requested getMore on namespace '{namespace}', but cursor belongs to {owner}");
            return Err(Error::new(Code::Unauthorized, message));
        }
        let cursor = slot.cursor.take();
        let cursor =
            cursor.ok_or_else(|| Error::location(12051, format!("cursor id {id} is already in use")))?;
        Ok(Borrowed { cursors: self, id, cursor: Some(cursor) })
    }

    /// Closes a cursor of a collection; tells whether there was one.
    pub(crate) fn kill(&self, id: i64, namespace: &str) -> bool {
        let mut slots = self.slots.lock();
        let is_there = slots.get(&id).is_some_and(|slot| slot.opening.namespace == namespace);
        let removed = is_there.then(|| slots.remove(&id));
        drop(slots);
        removed.is_some()
    }

    /// Closes the cursors of these sessions.
    pub(crate) fn kill_of_sessions(&self, sessions: &[SessionId]) {
        self.remove_where(|slot| slot.opening.session.as_ref().is_some_and(|id| sessions.contains(id)));
    }

    /// Closes what was not used for too long.
    pub(crate) fn kill_idle(&self, now: Instant) {
        let removed = self.remove_where(|slot| {
            slot.cursor.is_some()
                && !slot.opening.is_kept
                && now.saturating_duration_since(slot.used) >= self.idle
        });
        self.timed_out.fetch_add(removed, Ordering::Relaxed);
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().len()
    }

    /// How many were opened and how many closed because nobody used them, since the start.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.opened.load(Ordering::Relaxed), self.timed_out.load(Ordering::Relaxed))
    }

    fn remove_where(&self, mut is_over: impl FnMut(&Slot) -> bool) -> u64 {
        let mut slots = self.slots.lock();
        let over: Vec<Slot> = slots.extract_if(|_, slot| is_over(slot)).map(|(_, slot)| slot).collect();
        // What the cursors hold is let go without the lock.
        drop(slots);
        over.len() as u64
    }
}

impl Borrowed<'_> {
    /// The cursor.
    pub(crate) fn cursor(&mut self) -> Option<&mut OpenCursor> {
        self.cursor.as_mut()
    }

    /// Leaves it open for further requests, unless it was killed meanwhile.
    pub(crate) fn give_back(mut self) {
        let cursor = self.cursor.take();
        let mut slots = self.cursors.slots.lock();
        if let Some(slot) = slots.get_mut(&self.id) {
            slot.cursor = cursor;
            slot.used = Instant::now();
        }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if self.cursor.is_some() {
            self.cursors.slots.lock().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use bson::spec::BinarySubtype;
    use bson::{Binary, doc};

    use super::{Cursors, OpenCursor, Opening};
    use crate::sessions::SessionId;

    fn session(byte: u8) -> SessionId {
        let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![byte; 16] };
        SessionId::parse(&doc! {"id": id}).unwrap()
    }

    fn open(cursors: &Cursors, byte: u8, is_kept: bool) -> i64 {
        let opening = Opening { namespace: "a.b".to_owned(), session: Some(session(byte)), is_kept };
        cursors.open(opening, OpenCursor::new(Box::new(std::iter::empty())))
    }

    #[test]
    fn a_cursor_belongs_to_its_collection_and_to_one_reader() {
        let cursors = Cursors::new(Duration::from_secs(600));
        let id = open(&cursors, 1, false);
        assert!(id > 0);
        assert_eq!(cursors.borrow(id + 1, "a.b").err().unwrap().code(), 43);
        assert_eq!(cursors.borrow(id, "a.c").err().unwrap().code(), 13);
        let borrowed = cursors.borrow(id, "a.b").unwrap();
        assert_eq!(cursors.borrow(id, "a.b").err().unwrap().code(), 12051);
        borrowed.give_back();
        drop(cursors.borrow(id, "a.b").unwrap());
        assert_eq!(cursors.len(), 0, "one that is not given back is closed");
    }

    #[test]
    fn a_cursor_killed_while_it_is_read_does_not_come_back() {
        let cursors = Cursors::new(Duration::from_secs(600));
        let id = open(&cursors, 1, false);
        let borrowed = cursors.borrow(id, "a.b").unwrap();
        assert!(!cursors.kill(id, "a.c"));
        assert!(cursors.kill(id, "a.b"));
        borrowed.give_back();
        assert_eq!(cursors.borrow(id, "a.b").err().unwrap().code(), 43);
    }

    #[test]
    fn idle_cursors_and_those_of_ended_sessions_are_closed() {
        let cursors = Cursors::new(Duration::from_secs(600));
        let (_, kept, ended) = (open(&cursors, 1, false), open(&cursors, 2, true), open(&cursors, 3, true));
        cursors.kill_idle(Instant::now());
        assert_eq!(cursors.len(), 3);
        cursors.kill_idle(Instant::now() + Duration::from_secs(601));
        assert_eq!((cursors.len(), cursors.totals()), (2, (3, 1)));
        cursors.kill_of_sessions(&[session(3)]);
        assert!(cursors.borrow(ended, "a.b").is_err());
        assert!(cursors.borrow(kept, "a.b").is_ok());
    }
}
