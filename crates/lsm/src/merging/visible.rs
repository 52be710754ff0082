//! The keys and values that one reader sees: of each key the newest visible version, deletes left out.
//!
//! Walking forward, the first visible version of a key decides, and the inner cursor stays on it. Walking
//! back, versions come oldest first, so the decision falls only when the inner cursor has passed them all:
//! the newest visible one is copied, and the inner cursor stands before the key.

use std::sync::Arc;

use super::Visibility;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Sequence, is_same_key};
use crate::tombstones::{DeadWalk, Onward, RangeTombstones, TombstoneWalk};
use crate::values::plain_value;

/// After so many steps over versions that do not count, the cursor seeks past them.
const STEPS_BEFORE_SEEK: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On no key.
    None,
    /// On the key and value of the inner cursor's entry.
    Inner,
    /// On no key: the one in the buffer was passed, and the inner cursor is on the entry after it, if there is one.
    Passed { on: bool },
    /// On the copied key and value; the inner cursor is on the last entry before all versions of the key, if
    /// there is one.
    Copied { before: bool },
}

/// Which entries walking forward passes over; the key is in the cursor's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passing {
    Nothing,
    /// All versions of the key: it has been decided.
    Decided,
    /// Versions of the key that the reader does not see.
    Unseen,
}

/// What takes keys and values that a cursor passes.
pub(crate) trait Taker {
    /// Begins behind `key`, which was taken already.
    fn begin(&mut self, key: &[u8]);

    /// The key that was taken last.
    fn last_key(&self) -> &[u8];

    /// Takes a key and its value; answers whether it did.
    fn take(&mut self, key: &[u8], value: &[u8]) -> bool;
}

/// Walks keys with their values both ways. Movements answer as [`Cursor`]'s do; errors stick as the inner
/// cursor's.
pub(crate) struct VisibleCursor<C> {
    inner: C,
    visibility: Visibility,
    tombstones: Tombstones,
    place: Place,
    key: Vec<u8>,
    value: Vec<u8>,
    /// The kind of the copied entry.
    kind: Kind,
    /// The value that was unpacked last.
    unpacked: Vec<u8>,
    /// What is known of deleted keys, if somebody remembers.
    dead: Option<DeadWalk>,
}

impl<C: Cursor> VisibleCursor<C> {
    /// What `visibility` sees of `inner`, which merges all sources; `tombstones` are those of all sources.
    pub(crate) fn new(inner: C, tombstones: Vec<Arc<RangeTombstones>>, visibility: Visibility) -> Self {
        let walks = tombstones.into_iter().filter(|set| !set.is_empty()).map(TombstoneWalk::new).collect();
        let tombstones = Tombstones(walks);
        Self {
            inner,
            visibility,
            tombstones,
            place: Place::None,
            key: Vec::new(),
            value: Vec::new(),
            kind: Kind::Put,
            unpacked: Vec::new(),
            dead: None,
        }
    }

    /// Makes it seek past ranges that are known to be empty, and tell of those that it passes. It then ends where
    /// `dead` says that nothing more is asked for, if it comes there by way of deleted keys.
    pub(crate) fn remembering(self, dead: DeadWalk) -> Self {
        Self { dead: Some(dead), ..self }
    }

    /// Moves to the first key.
    #[cfg(test)]
    pub(crate) fn seek_first(&mut self) -> Result<bool, Error> {
        self.place = Place::None;
        let on = self.inner.seek_first()?;
        self.settle_forward(on, Passing::Nothing)
    }

    /// Moves to the last key.
    #[cfg(test)]
    pub(crate) fn seek_last(&mut self) -> Result<bool, Error> {
        self.place = Place::None;
        let on = self.inner.seek_last()?;
        self.settle_backward(on)
    }

    /// Moves to the first key at or after `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.place = Place::None;
        let on = self.inner.seek(key, MAX_SEQUENCE)?;
        self.settle_forward(on, Passing::Nothing)
    }

    /// Moves to the last key before `key`.
    pub(crate) fn seek_before(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.place = Place::None;
        let on = self.inner.seek_before(key, MAX_SEQUENCE)?;
        self.settle_backward(on)
    }

    /// Moves to the next key.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        let on = match self.place {
            Place::None => return Ok(false),
            Place::Inner => {
                copy(&mut self.key, self.inner.entry().user_key);
                self.inner.next()
            }
            Place::Passed { on } => Ok(on),
            Place::Copied { .. } => self.inner.seek(&self.key, 0),
        };
        self.place = Place::None;
        self.settle_forward(on?, Passing::Decided)
    }

    /// Hands the keys and values that follow to `taker`, as long as each is plain (one that is put, its value with the
    /// key, seen, and newer than any other version) and is taken. Then [`VisibleCursor::next`] goes on behind the last
    /// one that was. Does nothing unless the cursor came to the present key on its way forward.
    pub(crate) fn pass_plain(&mut self, taker: &mut impl Taker) -> Result<(), Error> {
        if self.place != Place::Inner || !self.tombstones.0.is_empty() {
            return Ok(());
        }
        let (visibility, unpacked) = (self.visibility, &mut self.unpacked);
        taker.begin(self.inner.entry().user_key);
        self.place = Place::None;
        let on = self.inner.next_while(&mut |entry| {
            visibility.sees(entry.sequence)
                && !is_same_key(entry.user_key, taker.last_key())
                && plain_value(&entry, unpacked).is_some_and(|value| taker.take(entry.user_key, value))
        })?;
        copy(&mut self.key, taker.last_key());
        self.place = Place::Passed { on };
        Ok(())
    }

    /// Moves to the key before.
    pub(crate) fn previous(&mut self) -> Result<bool, Error> {
        let place = std::mem::replace(&mut self.place, Place::None);
        let on = match place {
            Place::None => false,
            Place::Inner => self.step_before_key()?,
            Place::Passed { .. } => self.inner.seek_before(&self.key, MAX_SEQUENCE)?,
            Place::Copied { before } => before,
        };
        self.settle_backward(on)
    }

    /// The key it stands on and what is said of it; the sequence counts for nothing.
    ///
    /// # Panics
    /// When it stands on none.
    #[inline]
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        match self.place {
            Place::None | Place::Passed { .. } => panic!("a cursor that stands on no key was asked for it"),
            Place::Inner => self.inner.entry(),
            Place::Copied { .. } => {
                EntryRef { user_key: &self.key, sequence: 0, kind: self.kind, value: &self.value }
            }
        }
    }

    /// The key it stands on and its value.
    #[cfg(test)]
    pub(crate) fn pair(&self) -> (&[u8], &[u8]) {
        (self.entry().user_key, self.entry().value)
    }

    fn settle_forward(&mut self, mut on: bool, mut passing: Passing) -> Result<bool, Error> {
        let mut steps = 0;
        while on {
            let entry = self.inner.entry();
            let same_key = passing != Passing::Nothing && entry.user_key == self.key;
            if same_key && passing == Passing::Decided {
                // Nothing is written at sequence 0, so this stands on the next key.
                on = if steps < STEPS_BEFORE_SEEK {
                    self.inner.next()?
                } else {
                    self.inner.seek(&self.key, 0)?
                };
                steps += 1;
            } else if self.visibility.sees(entry.sequence) {
                if entry.kind.is_present() && !self.tombstones.hide(&entry, self.visibility) {
                    if let Some(dead) = &mut self.dead {
                        dead.stop_forward(Some(entry.user_key));
                    }
                    self.place = Place::Inner;
                    return Ok(true);
                }
                copy(&mut self.key, entry.user_key);
                (passing, steps) = (Passing::Decided, 0);
                on = self.pass_forward()?;
            } else {
                if !same_key {
                    copy(&mut self.key, entry.user_key);
                    (passing, steps) = (Passing::Unseen, 0);
                }
                on = if steps < STEPS_BEFORE_SEEK {
                    self.inner.next()?
                } else {
                    self.inner.seek(&self.key, self.visibility.snapshot())?
                };
                steps += 1;
            }
        }
        if let Some(dead) = &mut self.dead {
            dead.stop_forward(None);
        }
        Ok(false)
    }

    /// Goes on from the key in the buffer, of which nothing is seen.
    fn pass_forward(&mut self) -> Result<bool, Error> {
        let Some(dead) = &mut self.dead else { return self.inner.next() };
        match dead.pass_forward(&self.key) {
            Onward::Step => self.inner.next(),
            Onward::Past => self.inner.seek(dead.bounds().1, MAX_SEQUENCE),
            Onward::Out => Ok(false),
        }
    }

    /// Goes on before the key in the buffer, of which nothing is seen; `before` tells whether the inner cursor
    /// stands on an entry before it.
    fn pass_backward(&mut self, before: bool) -> Result<bool, Error> {
        let Some(dead) = &mut self.dead else { return Ok(before) };
        match dead.pass_backward(&self.key) {
            Onward::Step => Ok(before),
            Onward::Past => self.inner.seek_before(dead.bounds().0, MAX_SEQUENCE),
            Onward::Out => Ok(false),
        }
    }

    fn settle_backward(&mut self, mut on: bool) -> Result<bool, Error> {
        while on {
            copy(&mut self.key, self.inner.entry().user_key);
            let (newest, before) = self.newest_going_back()?;
            if let Some((kind, sequence)) = newest.filter(|(kind, _)| kind.is_present()) {
                let entry = EntryRef { user_key: &self.key, sequence, kind, value: &self.value };
                if !self.tombstones.hide(&entry, self.visibility) {
                    if let Some(dead) = &mut self.dead {
                        dead.stop_backward(Some(&self.key));
                    }
                    self.kind = kind;
                    self.place = Place::Copied { before };
                    return Ok(true);
                }
            }
            on = self.pass_backward(before)?;
        }
        if let Some(dead) = &mut self.dead {
            dead.stop_backward(None);
        }
        Ok(false)
    }

    /// From the oldest version of the key in the buffer, passes over all versions. Answers the newest visible
    /// one, its value copied, and whether the inner cursor now stands on an entry before the key.
    fn newest_going_back(&mut self) -> Result<(Option<(Kind, Sequence)>, bool), Error> {
        let mut newest = None;
        for _ in 0..STEPS_BEFORE_SEEK {
            let entry = self.inner.entry();
            if self.visibility.sees(entry.sequence) {
                newest = Some((entry.kind, entry.sequence));
                copy(&mut self.value, entry.value);
            }
            let on = self.inner.previous()?;
            if !on || self.inner.entry().user_key != self.key {
                return Ok((newest, on));
            }
        }
        // A transaction's own writes come before the versions of the snapshot.
        for sequence in [MAX_SEQUENCE, self.visibility.snapshot()] {
            if self.inner.seek(&self.key, sequence)? {
                let entry = self.inner.entry();
                if entry.user_key == self.key && self.visibility.sees(entry.sequence) {
                    newest = Some((entry.kind, entry.sequence));
                    copy(&mut self.value, entry.value);
                    break;
                }
            }
        }
        Ok((newest, self.inner.seek_before(&self.key, MAX_SEQUENCE)?))
    }

    /// Moves the inner cursor back over all versions of the key it stands on.
    fn step_before_key(&mut self) -> Result<bool, Error> {
        copy(&mut self.key, self.inner.entry().user_key);
        for _ in 0..STEPS_BEFORE_SEEK {
            if !self.inner.previous()? {
                return Ok(false);
            }
            if self.inner.entry().user_key != self.key {
                return Ok(true);
            }
        }
        self.inner.seek_before(&self.key, MAX_SEQUENCE)
    }
}

fn copy(into: &mut Vec<u8>, bytes: &[u8]) {
    into.clear();
    into.extend_from_slice(bytes);
}

/// The range tombstones of all sources.
#[derive(Debug)]
struct Tombstones(Vec<TombstoneWalk>);

impl Tombstones {
    /// Whether a range delete that `visibility` sees is newer than `entry`.
    fn hide(&mut self, entry: &EntryRef<'_>, visibility: Visibility) -> bool {
        self.0.iter_mut().any(|walk| {
            walk.newest(entry.user_key, visibility).is_some_and(|deleted| deleted > entry.sequence)
        })
    }
}
