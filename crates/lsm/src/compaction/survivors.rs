//! The entries of a source that are worth writing.

use std::sync::Arc;

use stroma_strata::KeyRange;

use super::retention::{Retention, Stripe};
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, MAX_SEQUENCE};
use crate::merging::Visibility;
use crate::tombstones::{RangeTombstones, TombstoneWalk};

/// Walks a source forward over the entries that somebody may still see.
pub(crate) struct Survivors<C> {
    source: C,
    tombstones: TombstoneWalk,
    retention: Retention,
    /// The key of the last entry looked at, and its stripe.
    last: Option<Stripe>,
    last_key: Vec<u8>,
    /// Bytes of the keys and values looked at since they were last asked for.
    read_bytes: u64,
    /// The first key, and the first after the last, if not all are wanted.
    range: (Option<Vec<u8>>, Option<Vec<u8>>),
}

impl<C: Cursor> Survivors<C> {
    /// Over `source`, which stands on no entry yet; `tombstones` are all of the source's range deletes, before
    /// any is dropped.
    pub(crate) fn new(source: C, tombstones: Arc<RangeTombstones>, retention: Retention) -> Self {
        let tombstones = TombstoneWalk::new(tombstones);
        Self {
            source,
            tombstones,
            retention,
            last: None,
            last_key: Vec::new(),
            read_bytes: 0,
            range: (None, None),
        }
    }

    /// Only those of keys in `range`.
    pub(crate) fn within(mut self, range: KeyRange<'_>) -> Self {
        self.range = (range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec));
        self
    }

    /// Moves to the first survivor.
    pub(crate) fn first(&mut self) -> Result<bool, Error> {
        let on = match &self.range.0 {
            Some(start) => self.source.seek(start, MAX_SEQUENCE)?,
            None => self.source.seek_first()?,
        };
        self.settle(on)
    }

    /// Moves to the next survivor.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        let on = self.source.next()?;
        self.settle(on)
    }

    /// The survivor it stands on.
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        self.source.entry()
    }

    /// Bytes of keys and values passed since the last call.
    pub(crate) fn take_read_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.read_bytes)
    }

    fn settle(&mut self, mut on: bool) -> Result<bool, Error> {
        while on && self.range.1.as_ref().is_none_or(|end| self.source.entry().user_key < end.as_slice()) {
            if self.survives() {
                return Ok(true);
            }
            on = self.source.next()?;
        }
        Ok(false)
    }

    fn survives(&mut self) -> bool {
        let entry = self.source.entry();
        self.read_bytes += (entry.user_key.len() + entry.value.len()) as u64;
        let stripe = self.retention.stripe(entry.sequence);
        if self.last.is_none() || self.last_key != entry.user_key {
            self.last_key.clear();
            self.last_key.extend_from_slice(entry.user_key);
        } else if self.last == Some(stripe) {
            // A newer version is seen by all who could see this one.
            return false;
        }
        self.last = Some(stripe);
        let readers = Visibility::at(self.retention.stripe_end(entry.sequence));
        let deleted = self.tombstones.newest(entry.user_key, readers);
        deleted.is_none_or(|deleted| deleted < entry.sequence) && !self.retention.drops(&entry)
    }
}
