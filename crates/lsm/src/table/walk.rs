//! Walking forward over the tables of a run that are read in place: no cursor, no copy but that of keys.
//!
//! What is lent lies in the mapped file, so the walk borrows the table: for the moment of a read, or for all of a
//! merge. Where a block is not to be read in place the walk ends, and others go on.

use super::reader::{Inner, Table};
use crate::Error;
use crate::block::BlockWalk;
use crate::entry::{EntryRef, Sequence};

/// Where a walk has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// An entry.
    On,
    /// The end.
    Out,
    /// What cannot be walked over in this way.
    Astray,
}

/// See the module. It begins before the first entry.
#[derive(Debug)]
pub(crate) struct TableWalk<'t> {
    inner: &'t Inner,
    /// The block that comes next.
    next_block: usize,
    place: BlockWalk<'t>,
}

impl Walked {
    /// What a cursor answers.
    pub(crate) fn on_or_out(is_on: bool) -> Walked {
        if is_on { Walked::On } else { Walked::Out }
    }
}

impl Table {
    /// A walk over it, unless it has nothing to read in place.
    pub(crate) fn walk(&self) -> Option<TableWalk<'_>> {
        let inner = &*self.inner;
        let is_in_place = inner.cipher.is_none() && inner.blob.mapped().is_some();
        is_in_place.then(|| TableWalk { inner, next_block: 0, place: BlockWalk::default() })
    }

    /// Whether all of it can be read in place, by what it says of itself.
    pub(crate) fn is_read_in_place(&self) -> bool {
        self.walk().is_some() && self.properties().blocks.plain == self.inner.index.block_count() as u64
    }
}

impl TableWalk<'_> {
    /// Goes before the block in which the first entry at or after `(key, sequence)` is, and asks for that.
    pub(crate) fn approach(&mut self, key: &[u8], sequence: Sequence) {
        let inner = self.inner;
        self.next_block = inner.index.find(&*inner.blob, key, inner.stored_sequence(sequence));
        self.place.leave();
        inner.prefetch_ends(self.next_block);
    }

    /// Moves to the first entry at or after `(key, sequence)`, which was approached.
    pub(crate) fn land(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        let inner = self.inner;
        let sequence = inner.stored_sequence(sequence);
        let block = self.next_block;
        if block >= inner.index.block_count() {
            return Ok(Walked::Out);
        }
        self.next_block = block + 1;
        let Some(view) = inner.view_in_place(block)? else { return Ok(Walked::Astray) };
        match self.place.seek(view, key, sequence) {
            Ok(true) => Ok(Walked::On),
            // The first of the next block then.
            Ok(false) => self.walk_on(&mut |_, _| false),
            Err(damage) => Err(inner.damaged(block, damage)),
        }
    }

    /// Moves to the next entry, and on from each that `takes` answers true for, which is told, too, whether the key is
    /// the same as that of the entry before.
    #[inline]
    pub(crate) fn walk_on(
        &mut self,
        takes: &mut impl FnMut(EntryRef<'_>, bool) -> bool,
    ) -> Result<Walked, Error> {
        let inner = self.inner;
        loop {
            match self.place.walk_on(&mut |entry, is_same| takes(inner.stamped(entry), is_same)) {
                Ok(true) => return Ok(Walked::On),
                Ok(false) => {}
                Err(damage) => return Err(inner.damaged(self.next_block.saturating_sub(1), damage)),
            }
            if self.next_block >= inner.index.block_count() {
                return Ok(Walked::Out);
            }
            let block = self.next_block;
            let Some(view) = inner.view_in_place(block)? else { return Ok(Walked::Astray) };
            self.place.enter(view).map_err(|damage| inner.damaged(block, damage))?;
            self.next_block += 1;
        }
    }

    /// The entry it stands on.
    #[inline]
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        self.inner.stamped(self.place.entry())
    }
}
