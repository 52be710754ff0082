//! A cursor over tables that do not overlap: a level of them, as if it were one table.

use super::cursor::TableCursor;
use super::lazy::LazyTable;
use crate::Error;
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// Walks disjoint tables one after the other. Only the present one is touched.
pub(crate) struct LevelCursor {
    tables: Vec<LazyTable>,
    caching: Caching,
    present: Option<(usize, TableCursor)>,
    failed: Option<Error>,
}

impl LevelCursor {
    /// A cursor over `tables`, which ascend and share no user key.
    pub(crate) fn new(tables: Vec<LazyTable>, caching: Caching) -> Self {
        Self { tables, caching, present: None, failed: None }
    }

    /// Tries `movement` in table `at`, then enters the tables after (or before) it at their near end.
    fn walk(
        &mut self,
        at: usize,
        forward: bool,
        movement: impl FnOnce(&mut TableCursor) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let answer = self.try_walk(at, forward, movement);
        if let Err(error) = &answer {
            self.failed = Some(error.clone());
        }
        if !matches!(answer, Ok(true)) {
            self.present = None;
        }
        answer
    }

    fn try_walk(
        &mut self,
        mut at: usize,
        forward: bool,
        movement: impl FnOnce(&mut TableCursor) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let Some(cursor) = self.enter(at)? else { return Ok(false) };
        let mut on = movement(cursor)?;
        while !on {
            let Some(next) = (if forward { at.checked_add(1) } else { at.checked_sub(1) }) else { break };
            let Some(cursor) = self.enter(next)? else { break };
            on = if forward { cursor.seek_first()? } else { cursor.seek_last()? };
            at = next;
        }
        Ok(on)
    }

    fn enter(&mut self, at: usize) -> Result<Option<&mut TableCursor>, Error> {
        if self.present.as_ref().is_none_or(|(present, _)| *present != at) {
            let Some(table) = self.tables.get(at) else { return Ok(None) };
            self.present = Some((at, table.cursor(self.caching)?));
        }
        Ok(self.present.as_mut().map(|(_, cursor)| cursor))
    }

    fn step(
        &mut self,
        forward: bool,
        movement: impl FnOnce(&mut TableCursor) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        match &self.present {
            Some((at, _)) => self.walk(*at, forward, movement),
            None => self.failed.clone().map_or(Ok(false), Err),
        }
    }
}

impl Cursor for LevelCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.walk(0, true, TableCursor::seek_first)
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.walk(self.tables.len().saturating_sub(1), false, TableCursor::seek_last)
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let at = self.tables.partition_point(|table| table.largest_key() < key);
        self.walk(at, true, |cursor| cursor.seek(key, sequence))
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let after = self.tables.partition_point(|table| table.smallest_key() <= key);
        match after.checked_sub(1) {
            Some(at) => self.walk(at, false, |cursor| cursor.seek_before(key, sequence)),
            None => {
                self.present = None;
                self.failed.clone().map_or(Ok(false), Err)
            }
        }
    }

    fn next(&mut self) -> Result<bool, Error> {
        self.step(true, TableCursor::next)
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.step(false, TableCursor::previous)
    }

    fn entry(&self) -> EntryRef<'_> {
        match &self.present {
            Some((_, cursor)) => cursor.entry(),
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }

    fn next_while(&mut self, takes: &mut dyn FnMut(EntryRef<'_>) -> bool) -> Result<bool, Error> {
        loop {
            let Some((before, _)) = self.present else {
                return self.failed.clone().map_or(Ok(false), Err);
            };
            if !self.step(true, |cursor| cursor.next_while(takes))? {
                return Ok(false);
            }
            // Where it entered another table, nobody was asked about the entry it stands on.
            let entered = self.present.as_ref().is_some_and(|(present, _)| *present != before);
            if !entered || !takes(self.entry()) {
                return Ok(true);
            }
        }
    }
}
