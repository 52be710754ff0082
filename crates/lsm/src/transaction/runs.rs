//! Own writes that outgrew memory: sorted runs of scratch tables.
//!
//! A run holds what was in memory when it was written, so each is newer than the one before, and their sequences do
//! not overlap. When as many of one size have gathered as [`FAN_IN`] they are merged into one of the next, so that a
//! transaction of any size reads few of them, and writes each entry a few times.

use std::sync::Arc;

use super::scratch::{Scratch, ScratchFile, ScratchTables};
use crate::Error;
use crate::block_cache::Caching;
use crate::compaction::{Retention, write_tables};
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};
use crate::merging::MergingCursor;
use crate::table::{LevelCursor, Lookup, Table, TableOptions};
use crate::tombstones::RangeTombstones;

/// So many runs of one size become one of the next.
const FAN_IN: usize = 8;

/// A run, as far as it still counts.
#[derive(Debug, Clone)]
pub(super) struct Run {
    parts: Arc<[Part]>,
    /// How often what it holds was merged.
    size: u32,
    first: Sequence,
    last: Sequence,
    /// What came after this was taken back.
    good_through: Sequence,
}

/// A table of a run, and its file, which goes with it: the last handle deletes it.
#[derive(Debug)]
pub(super) struct Part {
    // Dropped before the file, so that nobody reads what is deleted.
    pub(super) table: Table,
    pub(super) _file: ScratchFile,
}

/// The runs of one transaction, oldest first. A clone shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    /// Whether nothing was spilled.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes all of `source` as the newest run; `savepoints` are the sequences that may be gone back to.
    ///
    /// # Errors
    /// Failure of the storage; nothing has changed then.
    pub(super) fn push<C: Cursor>(
        &mut self,
        source: C,
        savepoints: &[Sequence],
        scratch: &Arc<Scratch>,
        options: &TableOptions,
    ) -> Result<(), Error> {
        self.0.extend(write_run(source, 0, savepoints, scratch, options)?);
        Ok(())
    }

    /// Merges the newest runs while there are enough of one size.
    ///
    /// # Errors
    /// Failure of the storage; what was merged before stays merged, and the rest as it was.
    pub(super) fn merge(
        &mut self,
        savepoints: &[Sequence],
        scratch: &Arc<Scratch>,
        options: &TableOptions,
    ) -> Result<(), Error> {
        while let Some(size) = self.0.last().map(|run| run.size) {
            let like = self.0.iter().rev().take_while(|run| run.size == size).count();
            if like < FAN_IN {
                break;
            }
            let at = self.0.len() - like;
            let sources = self.0[at..].iter().rev().map(Run::cursor).collect();
            let merged = write_run(MergingCursor::new(sources), size + 1, savepoints, scratch, options)?;
            self.0.splice(at.., merged);
        }
        Ok(())
    }

    /// Forgets what came after `sequence`.
    pub(super) fn take_back(&mut self, sequence: Sequence) {
        self.0.retain(|run| run.first <= sequence);
        for run in &mut self.0 {
            run.good_through = run.good_through.min(sequence);
        }
    }

    /// Hands the newest write of `key` to `read`, with its sequence.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub(super) fn newest<R>(
        &self,
        key: &[u8],
        read: impl Fn(EntryRef<'_>) -> R,
    ) -> Result<Option<(Sequence, R)>, Error> {
        for run in self.0.iter().rev() {
            let at = run.parts.partition_point(|part| *part.table.properties().largest_key < *key);
            let Some(part) = run.parts.get(at) else { continue };
            let lookup = Lookup::new(key, run.good_through);
            let found = part.table.get(&lookup, |entry| (entry.sequence, read(entry)))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A cursor for each run, newest first.
    pub(super) fn cursors(&self) -> impl Iterator<Item = RunCursor> {
        self.0.iter().rev().map(Run::cursor)
    }
}

fn write_run<C: Cursor>(
    source: C,
    size: u32,
    savepoints: &[Sequence],
    scratch: &Arc<Scratch>,
    options: &TableOptions,
) -> Result<Option<Run>, Error> {
    let retention = Retention::new(savepoints.to_vec(), false);
    let mut output = ScratchTables::new(scratch.clone(), options.encryption.clone());
    write_tables(source, RangeTombstones::default(), (None, None), &retention, options, &mut output)?;
    let parts = output.into_parts();
    let properties = || parts.iter().map(|part| part.table.properties());
    let first = properties().map(|properties| properties.smallest_sequence).min();
    let last = properties().map(|properties| properties.largest_sequence).max();
    Ok(first.zip(last).map(|(first, last)| Run {
        parts: parts.into(),
        size,
        first,
        last,
        good_through: last,
    }))
}

impl Run {
    fn cursor(&self) -> RunCursor {
        let tables = self.parts.iter().map(|part| part.table.clone().into()).collect();
        RunCursor {
            inner: LevelCursor::new(tables, Caching::Bypass),
            good_through: self.good_through,
            is_whole: self.good_through >= self.last,
            _parts: self.parts.clone(),
        }
    }
}

/// Walks over what still counts of a run.
pub(crate) struct RunCursor {
    // Dropped before the parts, whose files may go with them.
    inner: LevelCursor,
    good_through: Sequence,
    is_whole: bool,
    _parts: Arc<[Part]>,
}

impl RunCursor {
    fn pass_forward(&mut self, mut on: bool) -> Result<bool, Error> {
        while on && !self.is_whole && self.inner.entry().sequence > self.good_through {
            on = self.inner.next()?;
        }
        Ok(on)
    }

    fn pass_backward(&mut self, mut on: bool) -> Result<bool, Error> {
        while on && !self.is_whole && self.inner.entry().sequence > self.good_through {
            on = self.inner.previous()?;
        }
        Ok(on)
    }
}

impl Cursor for RunCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        let on = self.inner.seek_first()?;
        self.pass_forward(on)
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        let on = self.inner.seek_last()?;
        self.pass_backward(on)
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let on = self.inner.seek(key, sequence.min(self.good_through))?;
        self.pass_forward(on)
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        let on = self.inner.seek_before(key, sequence)?;
        self.pass_backward(on)
    }

    fn next(&mut self) -> Result<bool, Error> {
        let on = self.inner.next()?;
        self.pass_forward(on)
    }

    fn previous(&mut self) -> Result<bool, Error> {
        let on = self.inner.previous()?;
        self.pass_backward(on)
    }

    fn entry(&self) -> EntryRef<'_> {
        self.inner.entry()
    }
}
