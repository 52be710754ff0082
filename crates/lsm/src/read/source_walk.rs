//! One source of a walk over plain entries: a run of tables that are read in place, or what is in memory.

use std::sync::Arc;

use stroma_strata::{Run, key_head};

use super::ReadView;
use crate::Error;
use crate::compaction::TableKind;
use crate::entry::{EntryRef, Sequence};
use crate::memtable::{Head, Memtable, MemtableWalk, WalkInMemory};
use crate::resident::ResidentWalk;
use crate::table::{TableWalk, Walked};
use crate::tombstones::RangeTombstones;

/// The head of a key as a number, as many bytes as the index of a memtable knows: keys are in the order of their heads,
/// as far as these differ.
#[inline]
pub(super) fn head_of(key: &[u8]) -> u128 {
    key_head(key) >> (8 * (size_of::<u128>() - Head::BYTES))
}

/// Walks forward over one source; what it lends lies in the view.
#[expect(clippy::large_enum_variant, reason = "there are few, in one vector")]
pub(super) enum SourceWalk<'v> {
    Run(RunWalk<'v>),
    Memtable(&'v Memtable, MemtableWalk<'v>),
    Resident(ResidentWalk<'v>, Sequence),
}

/// Walks forward over the tables of a run.
pub(super) struct RunWalk<'v> {
    run: &'v Run<TableKind>,
    /// The table that comes next.
    next: usize,
    present: Option<TableWalk<'v>>,
    /// The largest sequence of the present table.
    last_sequence: Sequence,
    /// Deleted ranges of tables that were entered and nobody has asked for.
    tombstones: Vec<&'v Arc<RangeTombstones>>,
}

impl<'v> SourceWalk<'v> {
    /// Walks over all sources of `view` that have anything.
    pub(super) fn all_of(view: &'v ReadView) -> Vec<Self> {
        let mut sources = Vec::with_capacity(8);
        let memtables = view.memtables();
        let filled = memtables.newest_first().filter(|memtable| !memtable.is_empty());
        sources.extend(filled.map(|memtable| SourceWalk::Memtable(memtable, MemtableWalk::new(memtable))));
        sources.extend(
            memtables
                .resident
                .iter()
                .map(|resident| SourceWalk::Resident(ResidentWalk::new(resident), resident.last_sequence())),
        );
        sources.extend(view.layers().runs().map(|run| SourceWalk::Run(RunWalk::new(run))));
        sources
    }

    #[inline]
    pub(super) fn is_in_memory(&self) -> bool {
        !matches!(self, SourceWalk::Run(_))
    }

    /// Asks for what it takes to move to the first entry at or after `(key, sequence)`; answers whether there may be
    /// one.
    pub(super) fn approach(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        match self {
            SourceWalk::Run(run) => run.approach(key, sequence),
            _ => Ok(Walked::On),
        }
    }

    /// Moves to the first entry at or after `(key, sequence)`, which was approached.
    pub(super) fn land(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        Ok(match self {
            SourceWalk::Run(run) => return run.land(key, sequence),
            SourceWalk::Memtable(_, walk) => Walked::on_or_out(walk.seek(key, sequence)),
            SourceWalk::Resident(walk, _) => Walked::on_or_out(walk.seek(key, sequence)),
        })
    }

    /// Moves to the first entry at or after `(key, sequence)`.
    pub(super) fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        match self.approach(key, sequence)? {
            Walked::On => self.land(key, sequence),
            other => Ok(other),
        }
    }

    /// Moves on to the first entry at or after `(key, sequence)`, but not past the end of the table it is in.
    pub(super) fn seek_near(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        match self {
            SourceWalk::Run(run) => {
                if let Some(table) = &mut run.present {
                    table.approach(key, sequence);
                }
                run.land(key, sequence)
            }
            _ => self.seek(key, sequence),
        }
    }

    /// The head of the key it stands on; what is in memory is not touched for it.
    #[inline]
    pub(super) fn head(&self) -> u128 {
        match self {
            SourceWalk::Run(run) => head_of(run.entry().user_key),
            SourceWalk::Memtable(_, walk) => walk.head().to_number(),
            SourceWalk::Resident(walk, _) => walk.head().to_number(),
        }
    }

    /// The entry it stands on.
    pub(super) fn entry(&self) -> EntryRef<'_> {
        match self {
            SourceWalk::Run(run) => run.entry(),
            SourceWalk::Memtable(_, walk) => walk.entry(),
            SourceWalk::Resident(walk, _) => walk.entry(),
        }
    }

    /// No entry that it stands on or comes to without leaving its table has a larger sequence, but for those that were
    /// written after the walk began.
    pub(super) fn last_sequence(&self) -> Sequence {
        match self {
            SourceWalk::Run(run) => run.last_sequence,
            SourceWalk::Memtable(memtable, _) => memtable.last_sequence(),
            SourceWalk::Resident(_, last) => *last,
        }
    }

    /// The next set of deleted ranges that it has come to.
    #[inline]
    pub(super) fn next_tombstones(&mut self) -> Option<Arc<RangeTombstones>> {
        match self {
            SourceWalk::Run(run) => run.tombstones.pop().cloned(),
            _ => None,
        }
    }
}

impl<'v> RunWalk<'v> {
    fn new(run: &'v Run<TableKind>) -> Self {
        RunWalk { run, next: 0, present: None, last_sequence: 0, tombstones: Vec::new() }
    }

    fn approach(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        self.next = self.run.first_from(key);
        let entered = self.enter()?;
        if let Some(table) = &mut self.present {
            table.approach(key, sequence);
        }
        Ok(entered)
    }

    fn land(&mut self, key: &[u8], sequence: Sequence) -> Result<Walked, Error> {
        let Some(table) = &mut self.present else { return Ok(Walked::Out) };
        match table.land(key, sequence)? {
            Walked::Out => self.walk_to_next_table(),
            other => Ok(other),
        }
    }

    /// Moves to the next entry, and on from each that `takes` answers true for, which is told, too, whether the key is
    /// the same as that of the entry before. Stands on one of which that said false, or on the first of another table,
    /// which it was not asked about, unless it is out.
    #[inline]
    pub(super) fn walk_on(
        &mut self,
        takes: &mut impl FnMut(EntryRef<'_>, bool) -> bool,
    ) -> Result<Walked, Error> {
        if let Some(table) = &mut self.present {
            match table.walk_on(takes)? {
                Walked::Out => {}
                other => return Ok(other),
            }
        }
        self.walk_to_next_table()
    }

    fn walk_to_next_table(&mut self) -> Result<Walked, Error> {
        loop {
            match self.enter()? {
                Walked::On => {}
                other => return Ok(other),
            }
            if let Some(table) = &mut self.present {
                match table.walk_on(&mut |_, _| false)? {
                    Walked::Out => {}
                    other => return Ok(other),
                }
            }
        }
    }

    /// Goes before the first entry of the next table, if there is one.
    fn enter(&mut self) -> Result<Walked, Error> {
        self.present = None;
        let run = self.run;
        let Some(layer) = run.get(self.next) else { return Ok(Walked::Out) };
        self.next += 1;
        let layer = layer.layer();
        if !layer.tombstones().is_empty() {
            self.tombstones.push(layer.tombstones());
        }
        let table = layer.table()?;
        self.last_sequence = table.last_sequence();
        self.present = table.walk();
        Ok(if self.present.is_some() { Walked::On } else { Walked::Astray })
    }

    #[inline]
    pub(super) fn entry(&self) -> EntryRef<'_> {
        match &self.present {
            Some(table) => table.entry(),
            None => panic!("a walk that stands on no entry was asked for it"),
        }
    }
}
