//! The entries of a source that are worth writing.

use std::collections::VecDeque;
use std::sync::Arc;

use stroma_strata::KeyRange;

use super::filtering::{become_for_all, may_become};
use super::forward::Forward;
use super::operands::{Operands, Waiting};
use super::retention::{Retention, Stripe};
use crate::Error;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Marked, copy_key, is_same_key};
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
    /// What operands became that is yet to be written; the source stands after what they were made of.
    waiting: VecDeque<Waiting>,
    /// Whether the source stands on an entry, while something waits.
    source_on: bool,
    /// What the entry that the source stands on has become.
    became: Option<Waiting>,
    /// The first key, and the first after the last, if not all are wanted.
    range: (Option<Vec<u8>>, Option<Vec<u8>>),
}

impl<C: Forward> Survivors<C> {
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
            waiting: VecDeque::new(),
            source_on: false,
            became: None,
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
            None => self.source.first()?,
        };
        self.settle(on)
    }

    /// Moves to the next survivor.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        let on = match self.waiting.pop_front() {
            Some(_) if !self.waiting.is_empty() => return Ok(true),
            Some(_) => self.source_on,
            None => self.source.next()?,
        };
        self.settle(on)
    }

    /// The survivor it stands on.
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        if let Some(Waiting { sequence, kind, value }) = self.waiting.front() {
            return EntryRef { user_key: &self.last_key, sequence: *sequence, kind: *kind, value };
        }
        let entry = self.source.entry();
        match &self.became {
            Some(Waiting { kind, value, .. }) => EntryRef { kind: *kind, value, ..entry },
            None => entry,
        }
    }

    /// Bytes of keys and values passed since the last call.
    pub(crate) fn take_read_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.read_bytes)
    }

    fn settle(&mut self, mut on: bool) -> Result<bool, Error> {
        while on {
            let entry = self.source.entry();
            if self.range.1.as_ref().is_some_and(|end| entry.user_key >= end.as_slice()) {
                return Ok(false);
            }
            let is_marked = entry.kind == Kind::Marked;
            if self.survives()? {
                if !is_marked || !self.is_operand()? {
                    return Ok(true);
                }
                on = self.gather()?;
                if !self.waiting.is_empty() {
                    self.source_on = on;
                    return Ok(true);
                }
                continue;
            }
            on = self.source.next()?;
        }
        Ok(false)
    }

    fn survives(&mut self) -> Result<bool, Error> {
        let Survivors { source, tombstones, retention, last, last_key, .. } = self;
        self.became = None;
        let entry = source.entry();
        self.read_bytes += (entry.user_key.len() + entry.value.len()) as u64;
        if is_spent(&entry, retention)? {
            return Ok(false);
        }
        let stripe = retention.stripe(entry.sequence);
        let is_new_key = last.is_none() || !is_same_key(last_key, entry.user_key);
        if is_new_key {
            copy_key(last_key, entry.user_key);
        } else if *last == Some(stripe) {
            // A newer version is seen by all who could see this one.
            return Ok(false);
        }
        *last = Some(stripe);
        if !tombstones.is_empty() {
            let readers = Visibility::at(retention.stripe_end(entry.sequence));
            let deleted = tombstones.newest(entry.user_key, readers);
            if deleted.is_some_and(|deleted| deleted > entry.sequence) {
                return Ok(false);
            }
        }
        if !may_become(&entry, retention) {
            return Ok(!retention.drops(&entry));
        }
        match become_for_all(&entry, retention, is_new_key)? {
            Some((kind, value)) => {
                let sequence = entry.sequence;
                let is_dropped = retention.drops(&EntryRef { user_key: &[], sequence, kind, value: &[] });
                self.became = Some(Waiting { sequence, kind, value });
                Ok(!is_dropped)
            }
            None => Ok(!retention.drops(&entry)),
        }
    }

    fn is_operand(&self) -> Result<bool, Error> {
        let entry = self.source.entry();
        Ok(self.became.is_none() && entry.kind == Kind::Marked && Marked::is_operand(entry.value))
    }

    /// From an operand on, takes what belongs to it in its stripe; answers whether the source stands on an entry
    /// after that. What is to be written waits then.
    fn gather(&mut self) -> Result<bool, Error> {
        let stripe = self.retention.stripe(self.source.entry().sequence);
        let readers = Visibility::at(self.retention.stripe_end(self.source.entry().sequence));
        let mut operands = Operands::new();
        loop {
            let goes_on = is_spent(&self.source.entry(), &self.retention)?
                || operands.take(&self.source.entry(), &self.retention)?;
            let on = self.source.next()?;
            let is_same_key = on && self.source.entry().user_key == self.last_key;
            if !goes_on {
                self.waiting = operands.finish(&self.last_key, &self.retention)?;
                return Ok(on);
            }
            let next = is_same_key.then(|| self.source.entry().sequence);
            let deleted = self.tombstones.newest(&self.last_key, readers);
            let is_hidden = next.is_some_and(|next| deleted.is_some_and(|deleted| deleted > next));
            let has_left = next.is_none_or(|next| self.retention.stripe(next) != stripe);
            if is_hidden || (next.is_none() && self.retention.is_bottom()) {
                operands.end();
            }
            if is_hidden || has_left {
                self.waiting = operands.finish(&self.last_key, &self.retention)?;
                return Ok(on);
            }
            let entry = self.source.entry();
            self.read_bytes += (entry.user_key.len() + entry.value.len()) as u64;
        }
    }
}

/// Whether this is an operand that has expired for everyone: it is as if it had never been written.
#[inline]
fn is_spent(entry: &EntryRef<'_>, retention: &Retention) -> Result<bool, Error> {
    let is_operand = entry.kind == Kind::Marked && Marked::is_operand(entry.value);
    Ok(is_operand && Marked::expiry(entry)? <= retention.oldest.time)
}
