//! One source of a walk over plain entries: a run of tables that are read in place, or what is in memory.

use stroma_strata::Run;

use super::ReadView;
use crate::Error;
use crate::compaction::TableKind;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};
use crate::memtable::MemtableCursor;
use crate::resident::ResidentCursor;
use crate::table::{TableWalk, Walked};

/// Walks forward over one source; what it lends lies in the view.
pub(super) enum SourceWalk<'v> {
    Run(RunWalk<'v>),
    Memtable(MemtableCursor),
    Resident(ResidentCursor),
}

/// Walks forward over the tables of a run.
pub(super) struct RunWalk<'v> {
    run: &'v Run<TableKind>,
    /// The table that comes next.
    next: usize,
    present: Option<TableWalk<'v>>,
}

impl<'v> SourceWalk<'v> {
    /// Walks over all sources of `view` that have anything; nothing if deleted ranges in memory have to be thought of.
    pub(super) fn all_of(view: &'v ReadView) -> Option<Vec<Self>> {
        let mut sources = Vec::with_capacity(4);
        let memtables = view.memtables();
        for memtable in memtables.newest_first().filter(|memtable| !memtable.is_empty()) {
            if !memtable.tombstones().is_empty() {
                return None;
            }
            sources.push(SourceWalk::Memtable(MemtableCursor::new(memtable.clone())));
        }
        let resident = memtables.resident.iter();
        sources.extend(resident.map(|layer| SourceWalk::Resident(ResidentCursor::new(layer.clone()))));
        let runs = view.layers().runs();
        sources.extend(runs.map(|run| SourceWalk::Run(RunWalk { run, next: 0, present: None })));
        Some(sources)
    }

    /// Moves to the first entry at or after `(key, sequence)`.
    pub(super) fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        Ok(match self {
            SourceWalk::Run(run) => return run.seek(key, sequence),
            SourceWalk::Memtable(cursor) => Walked::on_or_out(cursor.seek(key, sequence)?),
            SourceWalk::Resident(cursor) => Walked::on_or_out(cursor.seek(key, sequence)?),
        })
    }

    /// Moves to the next entry, and on from each that `takes` answers true for. Stands on one of which that said false,
    /// unless it is out.
    pub(super) fn walk_on(&mut self, takes: &mut impl FnMut(EntryRef<'_>) -> bool) -> Result<Walked, Error> {
        Ok(match self {
            SourceWalk::Run(run) => return run.walk_on(&mut |entry, _| takes(entry)),
            SourceWalk::Memtable(cursor) => Walked::on_or_out(cursor.next_while(takes)?),
            SourceWalk::Resident(cursor) => Walked::on_or_out(cursor.next_while(takes)?),
        })
    }

    /// The entry it stands on.
    pub(super) fn entry(&self) -> EntryRef<'_> {
        match self {
            SourceWalk::Run(run) => run.entry(),
            SourceWalk::Memtable(cursor) => cursor.entry(),
            SourceWalk::Resident(cursor) => cursor.entry(),
        }
    }
}

impl<'v> RunWalk<'v> {
    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        self.next = self.run.first_from(key);
        match self.enter()? {
            (Walked::On, Some(table)) => match table.seek(key, sequence)? {
                Walked::Out => self.walk_on(&mut |_, _| false),
                other => Ok(other),
            },
            (other, _) => Ok(other),
        }
    }

    /// As [`SourceWalk::walk_on`]; `takes` is told, too, whether the key is the same as that of the entry before.
    #[inline]
    pub(super) fn walk_on(
        &mut self,
        takes: &mut impl FnMut(EntryRef<'_>, bool) -> bool,
    ) -> Result<Walked, Error> {
        loop {
            if let Some(table) = &mut self.present {
                match table.walk_on(takes)? {
                    Walked::Out => {}
                    other => return Ok(other),
                }
            }
            match self.enter()? {
                (Walked::On, Some(_)) => {}
                (other, _) => return Ok(other),
            }
        }
    }

    /// Goes before the first entry of the next table, if there is one, and none of its ranges are deleted.
    fn enter(&mut self) -> Result<(Walked, Option<&mut TableWalk<'v>>), Error> {
        self.present = None;
        let run = self.run;
        let Some(layer) = run.get(self.next) else { return Ok((Walked::Out, None)) };
        self.next += 1;
        let layer = layer.layer();
        if !layer.tombstones().is_empty() {
            return Ok((Walked::Astray, None));
        }
        self.present = layer.table()?.walk();
        let walked = if self.present.is_some() { Walked::On } else { Walked::Astray };
        Ok((walked, self.present.as_mut()))
    }

    pub(super) fn entry(&self) -> EntryRef<'_> {
        match &self.present {
            Some(table) => table.entry(),
            None => panic!("a walk that stands on no entry was asked for it"),
        }
    }
}
