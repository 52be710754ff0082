//! What a merge takes from its sources: every entry once, in order.

use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// Goes forward over entries in the order of [`crate::entry::compare`]. All cursors can, and what merges have made for
/// themselves. After an error it is not used any more.
pub(crate) trait Forward {
    /// Moves to the first entry; answers whether there is one.
    fn first(&mut self) -> Result<bool, Error>;

    /// Moves to the first entry at or after `(key, sequence)`; answers whether there is one.
    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error>;

    /// Moves to the next entry; answers whether there is one.
    fn next(&mut self) -> Result<bool, Error>;

    /// The entry it stands on.
    ///
    /// # Panics
    /// When it stands on none: the caller forgot to look at a movement's answer.
    fn entry(&self) -> EntryRef<'_>;
}

impl<C: Cursor> Forward for C {
    fn first(&mut self) -> Result<bool, Error> {
        self.seek_first()
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        Cursor::seek(self, key, sequence)
    }

    fn next(&mut self) -> Result<bool, Error> {
        Cursor::next(self)
    }

    fn entry(&self) -> EntryRef<'_> {
        Cursor::entry(self)
    }
}
