//! Walking forward over a block whose payload stays where it is: values are lent from there, keys joined in one place.

use super::view::{BlockView, Damage, StoredEntry};
use crate::entry::{EntryRef, Kind, MAX_KEY_BYTES, Sequence, compare, copy_bytes};

/// Stands on an entry of a block, on the place before its first, or behind its last.
#[derive(Debug)]
pub(crate) struct BlockWalk<'a> {
    view: BlockView<'a>,
    /// Where the entry behind the present one starts.
    next: usize,
    key: Vec<u8>,
    sequence: Sequence,
    kind: Kind,
    value: &'a [u8],
}

impl Default for BlockWalk<'_> {
    fn default() -> Self {
        let (view, key) = (BlockView::default(), Vec::new());
        BlockWalk { view, next: 0, key, sequence: 0, kind: Kind::Put, value: &[] }
    }
}

impl<'a> BlockWalk<'a> {
    /// Goes before the first entry of a block. The key that it stood on is remembered: the next may be the same.
    #[inline]
    pub(crate) fn enter(&mut self, view: BlockView<'a>) -> Result<(), Damage> {
        // Else it would be joined with a key of another block.
        if view.bytes(0..1) != [0] {
            return Err(Damage("a block that does not begin with a whole key"));
        }
        (self.view, self.next) = (view, 0);
        Ok(())
    }

    /// Goes behind the last entry.
    pub(crate) fn leave(&mut self) {
        (self.view, self.next) = (BlockView::default(), 0);
    }

    /// Moves to the first entry of a block at or after `(key, sequence)`.
    pub(crate) fn seek(
        &mut self,
        view: BlockView<'a>,
        key: &[u8],
        sequence: Sequence,
    ) -> Result<bool, Damage> {
        self.key.clear();
        view.prefetch_restarts();
        (self.view, self.next) = (view, view.restart(view.restart_before(key, sequence)?));
        self.walk_on(&mut |entry, _| compare((entry.user_key, entry.sequence), (key, sequence)).is_lt())
    }

    /// Moves to the next entry, and on from each that `takes` answers true for; answers whether it stands on one, of
    /// which `takes` said false. `takes` is told, too, whether the key is the same as that of the entry before.
    #[inline]
    pub(crate) fn walk_on(
        &mut self,
        takes: &mut impl FnMut(EntryRef<'_>, bool) -> bool,
    ) -> Result<bool, Damage> {
        let mut at = self.next;
        while at < self.view.end() {
            let stored = self.view.entry(at)?;
            let is_same = self.join_key(&stored)?;
            let StoredEntry { sequence, kind, value, end, .. } = stored;
            at = end;
            if !takes(EntryRef { user_key: &self.key, sequence, kind, value }, is_same) {
                (self.next, self.sequence, self.kind, self.value) = (at, sequence, kind, value);
                return Ok(true);
            }
        }
        self.next = at;
        Ok(false)
    }

    /// The entry it stands on.
    #[inline]
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        EntryRef { user_key: &self.key, sequence: self.sequence, kind: self.kind, value: self.value }
    }

    /// Makes the key that of `stored` out of that of the entry before; answers whether both are the same.
    #[inline]
    fn join_key(&mut self, stored: &StoredEntry<'_>) -> Result<bool, Damage> {
        let (shared, suffix) = (stored.shared, stored.suffix);
        if shared > self.key.len() || shared + suffix.len() > MAX_KEY_BYTES {
            return Err(Damage("a key that shares more than there is, or is too long"));
        }
        // Neighbours differ mostly at their ends, and restart points share nothing.
        let is_same = self.key.len() - shared == suffix.len()
            && self.key.last() == suffix.last().or(self.key.last())
            && self.key[shared..] == *suffix;
        if !is_same && self.key.len() - shared == suffix.len() {
            copy_bytes(&mut self.key[shared..], suffix);
        } else if !is_same {
            self.key.truncate(shared);
            self.key.extend_from_slice(suffix);
        }
        Ok(is_same)
    }
}
