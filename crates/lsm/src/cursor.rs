//! The cursor that every source of entries offers: memtables, tables, and merges of them.

use crate::Error;
use crate::entry::{EntryRef, Sequence};

/// Walks a source's entries both ways, in the order of [`crate::entry::compare`].
///
/// A cursor stands on an entry or on none. It stands on none when new, and after a call that answered
/// `Ok(false)` or an error. From none, `next` and `previous` answer `Ok(false)`: only a seek brings it back.
/// Every movement answers whether the cursor now stands on an entry. An error sticks: each later call answers
/// with it.
///
/// Within one source `(user key, sequence)` is unique. A source's range tombstones are not entries; they are
/// found beside the cursor, in a [`RangeTombstones`](crate::tombstones::RangeTombstones).
pub(crate) trait Cursor: Send {
    /// Moves to the first entry of the source.
    fn seek_first(&mut self) -> Result<bool, Error>;

    /// Moves to the last entry of the source.
    fn seek_last(&mut self) -> Result<bool, Error>;

    /// Moves to the first entry at or after `(key, sequence)`: `sequence` descends, so with a snapshot's
    /// sequence that is the newest version of `key` which the snapshot sees, or what follows.
    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error>;

    /// Moves to the last entry before `(key, sequence)`. With [`MAX_SEQUENCE`](crate::entry::MAX_SEQUENCE)
    /// that is the last entry of the keys less than `key`.
    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error>;

    /// Moves to the entry after the present one.
    fn next(&mut self) -> Result<bool, Error>;

    /// Moves to the entry before the present one.
    fn previous(&mut self) -> Result<bool, Error>;

    /// The entry it stands on.
    ///
    /// # Panics
    /// When it stands on none: the caller forgot to look at a movement's answer.
    fn entry(&self) -> EntryRef<'_>;
}

impl<C: Cursor + ?Sized> Cursor for Box<C> {
    fn seek_first(&mut self) -> Result<bool, Error> {
        (**self).seek_first()
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        (**self).seek_last()
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        (**self).seek(key, sequence)
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        (**self).seek_before(key, sequence)
    }

    fn next(&mut self) -> Result<bool, Error> {
        (**self).next()
    }

    fn previous(&mut self) -> Result<bool, Error> {
        (**self).previous()
    }

    fn entry(&self) -> EntryRef<'_> {
        (**self).entry()
    }
}
