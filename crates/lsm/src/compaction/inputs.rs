//! The tables of a merge, as one source: where they can be read in place, without cursors.
//!
//! Sources stand in a binary heap by the first sixteen bytes of the keys that they are on, as numbers that lie side by
//! side: an entry is looked at when it comes first, and where these bytes are equal. A source walks over its tables as
//! scans do (`docs/decisions/046-scans-that-walk.md`), which a merge can for as long as it wants: it holds them.

use std::sync::Arc;

use stroma_strata::{Layer, key_head};

use super::TableKind;
use super::forward::Forward;
use crate::Error;
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};
use crate::table::{LevelCursor, Table, TableWalk, Walked};

/// The entries of all inputs in one order. Of two with one key and sequence that of the newer input comes first.
pub(super) struct Inputs<'t> {
    /// Newest first.
    sources: Vec<Source<'t>>,
    /// Those that stand on an entry, as a heap: the first entry on top.
    heap: Vec<Standing>,
}

/// Where a source stands.
#[derive(Clone, Copy)]
struct Standing {
    /// The head of its key.
    head: u128,
    source: usize,
}

/// Tables that do not overlap, in the order of keys, or one of those that do.
enum Source<'t> {
    InPlace(InPlace<'t>),
    /// Some blocks are compressed, encrypted or not mapped.
    Cursor(Box<dyn Cursor>),
}

/// Walks over tables that are read in place.
struct InPlace<'t> {
    tables: Vec<&'t Table>,
    /// The one that comes next.
    next: usize,
    present: Option<TableWalk<'t>>,
}

impl<'t> Inputs<'t> {
    /// Over `inputs`, newest first.
    ///
    /// # Errors
    /// A table cannot be opened.
    pub(super) fn new(inputs: &'t [Arc<Layer<TableKind>>]) -> Result<Inputs<'t>, Error> {
        let mut sources = Vec::new();
        for level in inputs.chunk_by(|one, other| one.descriptor().level == other.descriptor().level) {
            add_level(level, &mut sources)?;
        }
        let heap = Vec::with_capacity(sources.len());
        Ok(Inputs { sources, heap })
    }

    /// Moves all sources.
    fn place(&mut self, movement: impl Fn(&mut Source<'t>) -> Result<bool, Error>) -> Result<bool, Error> {
        self.heap.clear();
        for (place, source) in self.sources.iter_mut().enumerate() {
            if movement(source)? {
                self.heap.push(Standing { head: key_head(source.entry().user_key), source: place });
            }
        }
        for at in (0..self.heap.len() / 2).rev() {
            self.sink(at);
        }
        Ok(!self.heap.is_empty())
    }

    fn sink(&mut self, mut at: usize) {
        let Some(&sinking) = self.heap.get(at) else { return };
        loop {
            let mut child = 2 * at + 1;
            let Some(mut least) = self.heap.get(child).copied() else { break };
            if let Some(&right) = self.heap.get(child + 1)
                && self.precedes(right, least)
            {
                (least, child) = (right, child + 1);
            }
            if !self.precedes(least, sinking) {
                break;
            }
            self.heap[at] = least;
            at = child;
        }
        self.heap[at] = sinking;
    }

    #[inline(always)]
    fn precedes(&self, one: Standing, other: Standing) -> bool {
        if one.head != other.head { one.head < other.head } else { self.precedes_by_entry(one, other) }
    }

    fn precedes_by_entry(&self, one: Standing, other: Standing) -> bool {
        let (this, that) = (self.sources[one.source].entry(), self.sources[other.source].entry());
        this.compare_to(that.user_key, that.sequence).then(one.source.cmp(&other.source)).is_lt()
    }
}

impl Forward for Inputs<'_> {
    fn first(&mut self) -> Result<bool, Error> {
        self.place(|source| match source {
            Source::InPlace(walk) => walk.first(),
            Source::Cursor(cursor) => cursor.seek_first(),
        })
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.place(|source| match source {
            Source::InPlace(walk) => walk.seek(key, sequence),
            Source::Cursor(cursor) => Cursor::seek(cursor, key, sequence),
        })
    }

    #[inline]
    fn next(&mut self) -> Result<bool, Error> {
        let Some(top) = self.heap.first_mut() else { return Ok(false) };
        let source = &mut self.sources[top.source];
        if source.next()? {
            top.head = key_head(source.entry().user_key);
        } else {
            self.heap.swap_remove(0);
        }
        self.sink(0);
        Ok(!self.heap.is_empty())
    }

    #[inline]
    fn entry(&self) -> EntryRef<'_> {
        self.sources[self.heap[0].source].entry()
    }
}

impl Source<'_> {
    #[inline]
    fn next(&mut self) -> Result<bool, Error> {
        match self {
            Source::InPlace(walk) => walk.next(),
            Source::Cursor(cursor) => Cursor::next(cursor),
        }
    }

    #[inline]
    fn entry(&self) -> EntryRef<'_> {
        match self {
            Source::InPlace(InPlace { present: Some(walk), .. }) => walk.entry(),
            Source::InPlace(_) => panic!("a walk that stands on no entry was asked for it"),
            Source::Cursor(cursor) => Cursor::entry(cursor),
        }
    }
}

impl InPlace<'_> {
    fn first(&mut self) -> Result<bool, Error> {
        (self.next, self.present) = (0, None);
        self.next()
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.next = self.tables.partition_point(|table| table.properties().largest_key.as_slice() < key);
        self.enter();
        let Some(walk) = &mut self.present else { return Ok(false) };
        walk.approach(key, sequence);
        let walked = walk.land(key, sequence)?;
        Ok(self.is_on(walked)? || self.next()?)
    }

    #[inline]
    fn next(&mut self) -> Result<bool, Error> {
        loop {
            if let Some(walk) = &mut self.present {
                let walked = walk.walk_on(&mut |_, _| false)?;
                if walked == Walked::On || self.is_on(walked)? {
                    return Ok(true);
                }
            }
            self.enter();
            if self.present.is_none() {
                return Ok(false);
            }
        }
    }

    /// Goes before the first entry of the next table, if there is one.
    fn enter(&mut self) {
        self.present = self.tables.get(self.next).and_then(|table| table.walk());
        self.next += 1;
    }

    fn is_on(&self, walked: Walked) -> Result<bool, Error> {
        match walked {
            Walked::On => Ok(true),
            Walked::Out => Ok(false),
            Walked::Astray => {
                let place =
                    self.tables.get(self.next.saturating_sub(1)).map_or("a table", |table| table.place());
                Err(Error::corrupt(place, 0, "a compressed block in a table that says it has none"))
            }
        }
    }
}

/// Adds the layers of one level: as one source if they do not overlap, else as one for each run.
fn add_level<'t>(layers: &'t [Arc<Layer<TableKind>>], sources: &mut Vec<Source<'t>>) -> Result<(), Error> {
    if add_disjoint(layers, sources)? {
        return Ok(());
    }
    for run in layers.chunk_by(|one, other| one.descriptor().recency == other.descriptor().recency) {
        if !add_disjoint(run, sources)? {
            for layer in run {
                sources.push(source_of(&[layer])?);
            }
        }
    }
    Ok(())
}

/// Adds layers as one source if they do not overlap; answers whether.
fn add_disjoint<'t>(
    layers: &'t [Arc<Layer<TableKind>>],
    sources: &mut Vec<Source<'t>>,
) -> Result<bool, Error> {
    let mut by_key: Vec<_> = layers.iter().collect();
    by_key.sort_by(|one, other| one.descriptor().smallest.cmp(&other.descriptor().smallest));
    let is_disjoint = by_key.windows(2).all(|pair| !pair[0].descriptor().overlaps(pair[1].descriptor()));
    if is_disjoint {
        sources.push(source_of(&by_key)?);
    }
    Ok(is_disjoint)
}

fn source_of<'t>(layers: &[&'t Arc<Layer<TableKind>>]) -> Result<Source<'t>, Error> {
    let tables = layers.iter().map(|layer| layer.layer().table()).collect::<Result<Vec<&Table>, Error>>()?;
    if tables.iter().all(|table| table.is_read_in_place()) {
        return Ok(Source::InPlace(InPlace { tables, next: 0, present: None }));
    }
    let handles = layers.iter().map(|layer| layer.layer().handle().clone()).collect();
    Ok(Source::Cursor(Box::new(LevelCursor::new(handles, Caching::Bypass))))
}
