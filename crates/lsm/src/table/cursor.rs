//! The cursor over a table's entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reader::{Payload, Table};
use crate::Error;
use crate::block::{BlockPosition, BlockView, Damage};
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// Walks a table both ways. Holds the table and one block; the block is in place if the file is mapped and the
/// block not compressed.
pub(crate) struct TableCursor {
    table: Table,
    /// The loaded block, and its payload.
    block: Option<(usize, Payload)>,
    position: BlockPosition,
    caching: Caching,
    failed: Option<Error>,
    /// Blocks that it passes over, if any.
    pub(super) lost: Option<Arc<BTreeSet<usize>>>,
}

impl Table {
    /// A cursor on no entry.
    pub(crate) fn cursor(&self, caching: Caching) -> TableCursor {
        let (table, position) = (self.clone(), BlockPosition::default());
        TableCursor { table, block: None, position, caching, failed: None, lost: None }
    }
}

impl TableCursor {
    /// Runs a movement; an error sticks.
    fn guard(&mut self, movement: impl FnOnce(&mut Self) -> Result<bool, Error>) -> Result<bool, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let answer = movement(self);
        if let Err(error) = &answer {
            self.failed = Some(error.clone());
        }
        answer
    }

    /// The number of the block of the present entry.
    pub(super) fn present_block(&self) -> Option<usize> {
        self.block.as_ref().map(|(block, _)| *block)
    }

    fn block_count(&self) -> usize {
        self.table.inner.index.block_count()
    }

    /// Moves within block `block`, loading it if it is not the present one.
    fn within(
        &mut self,
        block: usize,
        movement: impl FnOnce(&mut BlockPosition, BlockView<'_>) -> Result<bool, Damage>,
    ) -> Result<bool, Error> {
        if self.lost.as_ref().is_some_and(|lost| lost.contains(&block)) {
            return Ok(false);
        }
        let inner = &*self.table.inner;
        let payload = match &mut self.block {
            Some((present, payload)) if *present == block => payload,
            slot => {
                // Should reading fail, nothing is loaded.
                *slot = None;
                let payload = inner.payload(block, self.caching)?;
                inner.prefetch_behind(&payload);
                &mut slot.insert((block, payload)).1
            }
        };
        inner
            .view(payload)
            .and_then(|view| movement(&mut self.position, view))
            .map_err(|damage| inner.damaged(block, damage))
    }

    fn first_from(&mut self, mut block: usize) -> Result<bool, Error> {
        while block < self.block_count() {
            if self.within(block, BlockPosition::first)? {
                return Ok(true);
            }
            block += 1;
        }
        self.stand_on_none()
    }

    fn last_before(&mut self, mut block: usize) -> Result<bool, Error> {
        while let Some(before) = block.checked_sub(1) {
            if self.within(before, BlockPosition::last)? {
                return Ok(true);
            }
            block = before;
        }
        self.stand_on_none()
    }

    fn stand_on_none(&mut self) -> Result<bool, Error> {
        self.block = None;
        Ok(false)
    }

    fn find(&self, key: &[u8], sequence: Sequence) -> usize {
        let inner = &*self.table.inner;
        inner.index.find(&*inner.blob, key, sequence)
    }
}

impl Cursor for TableCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.guard(|cursor| cursor.first_from(0))
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.guard(|cursor| cursor.last_before(cursor.block_count()))
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let sequence = self.table.inner.stored_sequence(sequence);
        self.guard(|cursor| {
            let block = cursor.find(key, sequence);
            if block >= cursor.block_count() {
                return cursor.stand_on_none();
            }
            Ok(cursor.within(block, |position, view| position.seek(view, key, sequence))?
                || cursor.first_from(block + 1)?)
        })
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let sequence = self.table.inner.stored_sequence(sequence);
        self.guard(|cursor| {
            let block = cursor.find(key, sequence);
            if block >= cursor.block_count() {
                return cursor.stand_on_none();
            }
            Ok(cursor.within(block, |position, view| position.seek_before(view, key, sequence))?
                || cursor.last_before(block)?)
        })
    }

    fn next(&mut self) -> Result<bool, Error> {
        self.guard(|cursor| {
            let Some((block, _)) = cursor.block else { return Ok(false) };
            Ok(cursor.within(block, BlockPosition::next)? || cursor.first_from(block + 1)?)
        })
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.guard(|cursor| {
            let Some((block, _)) = cursor.block else { return Ok(false) };
            Ok(cursor.within(block, BlockPosition::previous)? || cursor.last_before(block)?)
        })
    }

    fn entry(&self) -> EntryRef<'_> {
        match &self.block {
            Some((_, payload)) => {
                let inner = &*self.table.inner;
                inner.stamped(self.position.entry(inner.bytes(payload)))
            }
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }

    fn next_while(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        self.guard(|cursor| {
            while let Some((block, payload)) = &cursor.block {
                let (block, inner) = (*block, &*cursor.table.inner);
                let bytes = inner.bytes(payload);
                let on = BlockView::new(bytes)
                    .and_then(|view| cursor.position.next_while(view, |entry| takes(inner.stamped(entry))))
                    .map_err(|damage| inner.damaged(block, damage))?;
                if on || (cursor.first_from(block + 1)? && !takes(cursor.entry())) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}
