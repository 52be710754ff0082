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

    /// Moves to the next entry, and on from each that `takes` answers true for. The same as calling `next` and `entry`
    /// in turn, for less where many entries lie side by side.
    fn next_while(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        while self.next()? {
            if !takes(self.entry()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
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

    fn next_while(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        (**self).next_while(takes)
    }
}

#[cfg(test)]
pub(crate) use of_entries::{EntriesCursor, OwnedEntry};

#[cfg(test)]
mod of_entries {
    //! A cursor over a sorted vector: the model of all others.

    use std::cmp::Ordering;

    use super::Cursor;
    use crate::Error;
    use crate::entry::{EntryRef, Kind, Sequence, compare};

    /// An entry that owns its bytes; no value is a delete.
    pub(crate) type OwnedEntry = (Vec<u8>, Sequence, Option<Vec<u8>>);

    /// Walks a sorted vector of entries.
    pub(crate) struct EntriesCursor {
        entries: Vec<OwnedEntry>,
        at: Option<usize>,
    }

    impl EntriesCursor {
        /// A cursor over `entries`, which it sorts.
        pub(crate) fn new(mut entries: Vec<OwnedEntry>) -> Self {
            entries.sort_by(|left, right| compare((&left.0, left.1), (&right.0, right.1)));
            Self { entries, at: None }
        }

        fn stand(&mut self, at: Option<usize>) -> Result<bool, Error> {
            self.at = at.filter(|&at| at < self.entries.len());
            Ok(self.at.is_some())
        }

        fn lower_bound(&self, key: &[u8], sequence: Sequence) -> usize {
            self.entries
                .partition_point(|entry| compare((&entry.0, entry.1), (key, sequence)) == Ordering::Less)
        }
    }

    impl Cursor for EntriesCursor {
        fn seek_first(&mut self) -> Result<bool, Error> {
            self.stand(Some(0))
        }

        fn seek_last(&mut self) -> Result<bool, Error> {
            self.stand(self.entries.len().checked_sub(1))
        }

        fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
            self.stand(Some(self.lower_bound(key, sequence)))
        }

        fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
            self.stand(self.lower_bound(key, sequence).checked_sub(1))
        }

        fn next(&mut self) -> Result<bool, Error> {
            self.stand(self.at.map(|at| at + 1))
        }

        fn previous(&mut self) -> Result<bool, Error> {
            self.stand(self.at.and_then(|at| at.checked_sub(1)))
        }

        fn entry(&self) -> EntryRef<'_> {
            let (user_key, sequence, value) = &self.entries[self.at.expect("stands on an entry")];
            EntryRef {
                user_key,
                sequence: *sequence,
                kind: if value.is_some() { Kind::Put } else { Kind::Delete },
                value: value.as_deref().unwrap_or_default(),
            }
        }
    }
}
