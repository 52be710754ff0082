//! A place in a block that walks both ways.

use std::ops::Range;

use super::view::{BlockView, Damage, StoredEntry};
use crate::entry::{EntryRef, Kind, MAX_KEY_BYTES, Sequence, compare};

/// Stands on an entry of a block or on none. It does not hold the block: each call is given the view, which
/// must be of the same block until the next `first`, `last`, `seek` or `seek_before`.
///
/// Going back, entries can only be decoded from the restart point before them. They are kept then, so that a
/// walk back decodes each entry once.
#[derive(Debug, Default)]
pub(crate) struct BlockPosition {
    /// The present entry; `None` when on none.
    entry: Option<Placed>,
    key: Vec<u8>,
    /// The entries from a restart point up to the present one, when walking back.
    earlier: Vec<(Placed, Range<usize>)>,
    /// The keys of `earlier`, one after the other.
    earlier_keys: Vec<u8>,
}

/// An entry's fields apart from its key.
#[derive(Clone, Debug)]
struct Placed {
    start: usize,
    end: usize,
    sequence: Sequence,
    kind: Kind,
    value: Range<usize>,
}

impl BlockPosition {
    /// Moves to the first entry.
    pub(crate) fn first(&mut self, view: BlockView<'_>) -> Result<bool, Damage> {
        self.earlier.clear();
        self.key.clear();
        self.decode_at(view, 0)
    }

    /// Moves to the last entry.
    pub(crate) fn last(&mut self, view: BlockView<'_>) -> Result<bool, Damage> {
        self.earlier.clear();
        self.go_before(view, view.end())
    }

    /// Moves to the first entry at or after `(key, sequence)`.
    pub(crate) fn seek(
        &mut self,
        view: BlockView<'_>,
        key: &[u8],
        sequence: Sequence,
    ) -> Result<bool, Damage> {
        self.earlier.clear();
        self.key.clear();
        let start = view.restart(view.restart_before(key, sequence)?);
        let mut on = self.decode_at(view, start)?;
        while on && self.is_before(key, sequence) {
            on = self.next(view)?;
        }
        Ok(on)
    }

    /// Moves to the last entry before `(key, sequence)`.
    pub(crate) fn seek_before(
        &mut self,
        view: BlockView<'_>,
        key: &[u8],
        sequence: Sequence,
    ) -> Result<bool, Damage> {
        if self.seek(view, key, sequence)? { self.previous(view) } else { self.last(view) }
    }

    /// Moves to the entry after the present one.
    pub(crate) fn next(&mut self, view: BlockView<'_>) -> Result<bool, Damage> {
        self.earlier.clear();
        match &self.entry {
            Some(entry) => {
                let after = entry.end;
                self.decode_at(view, after)
            }
            None => Ok(false),
        }
    }

    /// Moves to the next entry of the block, and on from each that `takes` answers true for.
    #[inline]
    pub(crate) fn next_while(
        &mut self,
        view: BlockView<'_>,
        mut takes: impl FnMut(EntryRef<'_>) -> bool,
    ) -> Result<bool, Damage> {
        self.earlier.clear();
        // What it stands on is noted at the end only.
        let Some(present) = self.entry.take() else { return Ok(false) };
        let mut at = present.end;
        while at < view.end() {
            let stored = self.join_key(view, at)?;
            let StoredEntry { sequence, kind, value, end, .. } = stored;
            if !takes(EntryRef { user_key: &self.key, sequence, kind, value }) {
                self.entry = Some(Placed::new(at, &stored));
                return Ok(true);
            }
            at = end;
        }
        Ok(false)
    }

    /// Moves to the entry before the present one.
    pub(crate) fn previous(&mut self, view: BlockView<'_>) -> Result<bool, Damage> {
        let Some(entry) = self.entry.take() else { return Ok(false) };
        if self.earlier.is_empty() {
            return self.go_before(view, entry.start);
        }
        Ok(self.take_earlier())
    }

    /// The entry it stands on; `payload` is that of the view which was moved in.
    ///
    /// # Panics
    /// When it stands on none.
    #[inline]
    pub(crate) fn entry<'a>(&'a self, payload: &'a [u8]) -> EntryRef<'a> {
        let Some(entry) = &self.entry else { panic!("a cursor that stands on no entry was asked for it") };
        EntryRef {
            user_key: &self.key,
            sequence: entry.sequence,
            kind: entry.kind,
            value: payload.get(entry.value.clone()).unwrap_or_default(),
        }
    }

    fn is_before(&self, key: &[u8], sequence: Sequence) -> bool {
        self.entry.as_ref().is_some_and(|entry| compare((&self.key, entry.sequence), (key, sequence)).is_lt())
    }

    /// Decodes the entry at `at`; `self.key` is the key before it.
    fn decode_at(&mut self, view: BlockView<'_>, at: usize) -> Result<bool, Damage> {
        self.entry = None;
        if at >= view.end() {
            return Ok(false);
        }
        let stored = self.join_key(view, at)?;
        self.entry = Some(Placed::new(at, &stored));
        Ok(true)
    }

    /// Makes `self.key` that of the entry at `at`; it is the key before it.
    #[inline]
    fn join_key<'a>(&mut self, view: BlockView<'a>, at: usize) -> Result<StoredEntry<'a>, Damage> {
        let stored = view.entry(at)?;
        if stored.shared > self.key.len() || stored.shared + stored.suffix.len() > MAX_KEY_BYTES {
            return Err(Damage("a key that shares more than there is, or is too long"));
        }
        self.key.truncate(stored.shared);
        self.key.extend_from_slice(stored.suffix);
        Ok(stored)
    }

    /// Moves to the entry that ends at `end`, from the restart point before it.
    fn go_before(&mut self, view: BlockView<'_>, end: usize) -> Result<bool, Damage> {
        self.entry = None;
        self.earlier_keys.clear();
        self.key.clear();
        let Some(mut at) = last_restart_before(view, end) else { return Ok(false) };
        while at < end {
            self.decode_at(view, at)?;
            let Some(entry) = self.entry.take() else { break };
            let key_start = self.earlier_keys.len();
            self.earlier_keys.extend_from_slice(&self.key);
            at = entry.end;
            self.earlier.push((entry, key_start..self.earlier_keys.len()));
        }
        Ok(self.take_earlier())
    }

    fn take_earlier(&mut self) -> bool {
        let Some((entry, key)) = self.earlier.pop() else { return false };
        self.key.clear();
        self.key.extend_from_slice(&self.earlier_keys[key.clone()]);
        self.earlier_keys.truncate(key.start);
        self.entry = Some(entry);
        true
    }
}

/// Where the last restart point before `end` is.
fn last_restart_before(view: BlockView<'_>, end: usize) -> Option<usize> {
    let (mut low, mut high) = (0, view.restart_count());
    while low < high {
        let middle = low + (high - low) / 2;
        if view.restart(middle) < end { low = middle + 1 } else { high = middle }
    }
    low.checked_sub(1).map(|index| view.restart(index))
}

impl Placed {
    fn new(start: usize, stored: &StoredEntry<'_>) -> Self {
        Self {
            start,
            end: stored.end,
            sequence: stored.sequence,
            kind: stored.kind,
            value: stored.end - stored.value.len()..stored.end,
        }
    }
}
