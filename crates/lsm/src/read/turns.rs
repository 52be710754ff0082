//! A walk over several sources, by turns: each goes on as long as its entries come before the first of all others.
//!
//! What is compared are the first bytes of keys, as numbers that lie side by side. Entries in memory are not touched
//! for that: when their turn comes they have been asked for some steps before.

use std::cmp::Ordering;

use super::plain::{Plain, Stop, WalkEnd};
use super::source_walk::{RunWalk, SourceWalk, head_of};
use crate::Error;
use crate::entry::{EntryRef, copy_key, is_same_key};
use crate::memtable::WalkInMemory;
use crate::table::Walked;

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TurnEnd {
    /// It may be another's turn now: it has come to a key with this head.
    Over(u128),
    /// A step answered no.
    Stopped,
    /// The source has nothing more.
    Out,
    Astray,
}

/// Up to where a turn goes: to the first entry of all other sources.
struct TurnBound<'s, 'v> {
    head: u128,
    /// Nothing: to the end.
    other: Option<&'s SourceWalk<'v>>,
}

impl TurnBound<'_, '_> {
    /// Whether an entry whose key has this head comes before it.
    #[inline(always)]
    fn is_behind<'e>(&self, head: u128, entry: impl FnOnce() -> EntryRef<'e>) -> bool {
        match head.cmp(&self.head) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => self.other.is_none_or(|other| {
                let other = other.entry();
                entry().compare_to(other.user_key, other.sequence).is_le()
            }),
        }
    }
}

/// The last key that several sources stood on. Sources are in the order of keys, so that two entries of one key follow
/// each other in one source, or else both sources stood on the key when the first of the two was taken.
#[derive(Default)]
struct SharedKey {
    head: Option<u128>,
    key: Vec<u8>,
}

impl SharedKey {
    #[inline(always)]
    fn note(&mut self, head: u128, key: &[u8]) {
        self.head = Some(head);
        copy_key(&mut self.key, key);
    }

    #[inline(always)]
    fn is(&self, head: u128, key: &[u8]) -> bool {
        self.head == Some(head) && is_same_key(key, &self.key)
    }
}

/// A walk by turns, and where it is.
struct Turns<'v, 'r, T> {
    plain: Plain<'r, T>,
    sources: Vec<SourceWalk<'v>>,
    /// The sources that stand on an entry, in the order of these.
    line: Vec<Standing>,
    shared: SharedKey,
}

/// Where a source stands.
#[derive(Clone, Copy)]
struct Standing {
    /// The head of the key.
    head: u128,
    source: usize,
}

impl<T: FnMut(&[u8], &[u8]) -> bool> Plain<'_, T> {
    /// From where `sources` stand, by turns.
    pub(super) fn walk_by_turns(self, sources: Vec<SourceWalk<'_>>) -> Result<WalkEnd, Error> {
        let line = Vec::with_capacity(sources.len());
        let mut turns = Turns { plain: self, sources, line, shared: SharedKey::default() };
        turns.line_up();
        while !turns.line.is_empty() {
            if let Some(end) = turns.take_turn()? {
                return Ok(end);
            }
        }
        Ok(turns.plain.out())
    }
}

impl<T: FnMut(&[u8], &[u8]) -> bool> Turns<'_, '_, T> {
    /// Brings the sources, all of which stand on an entry, in order.
    fn line_up(&mut self) {
        self.line.clear();
        for source in 0..self.sources.len() {
            let head = self.sources[source].head();
            self.line.insert(0, Standing { head, source });
            self.let_first_sink(head);
        }
    }

    /// The source that is on the first entry goes on; answers whether that was the end.
    fn take_turn(&mut self) -> Result<Option<WalkEnd>, Error> {
        let first = self.line[0].source;
        self.plain.begin_turn(&self.sources[first]);
        let (plain, shared) = (&mut self.plain, &mut self.shared);
        let end = match self.line.get(1) {
            None => {
                let bound = TurnBound { head: u128::MAX, other: None };
                turn(plain, shared, &mut self.sources[first], &bound)?
            }
            Some(second) => match self.sources.get_disjoint_mut([first, second.source]) {
                Ok([source, other]) => {
                    let bound = TurnBound { head: second.head, other: Some(other) };
                    turn(plain, shared, source, &bound)?
                }
                // Two places that differ.
                Err(_) => TurnEnd::Astray,
            },
        };
        match end {
            TurnEnd::Over(head) => {
                self.plain.heed_tombstones(&mut self.sources[first]);
                self.let_first_sink(head);
                Ok(None)
            }
            TurnEnd::Out => self.settle(Walked::Out),
            TurnEnd::Astray => Ok(Some(WalkEnd::Astray)),
            TurnEnd::Stopped => match self.plain.why() {
                Stop::End(WalkEnd::Out) => Ok(Some(self.plain.out())),
                Stop::End(end) => Ok(Some(end)),
                Stop::Dead => self.seek_behind_dead(),
                Stop::Versions | Stop::Hidden => {
                    let walked = self.plain.seek_past(&mut self.sources[first])?;
                    self.settle(walked)
                }
            },
        }
    }

    /// Takes note of where the first source went.
    fn settle(&mut self, walked: Walked) -> Result<Option<WalkEnd>, Error> {
        let source = &mut self.sources[self.line[0].source];
        self.plain.heed_tombstones(source);
        match walked {
            Walked::On => {
                let head = source.head();
                self.let_first_sink(head);
            }
            Walked::Out => drop(self.line.remove(0)),
            Walked::Astray => return Ok(Some(WalkEnd::Astray)),
        }
        Ok(None)
    }

    #[cold]
    fn seek_behind_dead(&mut self) -> Result<Option<WalkEnd>, Error> {
        let key = self.plain.behind_dead().to_vec();
        if !self.plain.seek_all(&mut self.sources, &key)? {
            return Ok(Some(WalkEnd::Astray));
        }
        self.line_up();
        Ok(None)
    }

    /// Brings the first source, which has come to a key with this head, to its place, where all others are in order.
    /// They are few, and it mostly stays.
    #[inline]
    fn let_first_sink(&mut self, head: u128) {
        let standing = Standing { head, ..self.line[0] };
        let mut at = 0;
        while let Some(next) = self.line.get(at + 1).copied()
            && (next.head < head || next.head == head && self.is_before(next, standing))
        {
            self.line[at] = next;
            at += 1;
        }
        self.line[at] = standing;
    }

    #[cold]
    fn is_before(&self, one: Standing, other: Standing) -> bool {
        let other = self.sources[other.source].entry();
        self.sources[one.source].entry().compare_to(other.user_key, other.sequence).is_lt()
    }
}

/// Steps over what `source` stands on, and what follows before `bound`.
fn turn<T: FnMut(&[u8], &[u8]) -> bool>(
    plain: &mut Plain<'_, T>,
    shared: &mut SharedKey,
    source: &mut SourceWalk<'_>,
    bound: &TurnBound<'_, '_>,
) -> Result<TurnEnd, Error> {
    match source {
        SourceWalk::Run(run) => turn_of_run(plain, shared, run, bound),
        SourceWalk::Memtable(_, walk) => Ok(turn_in_memory(plain, shared, walk, bound)),
        SourceWalk::Resident(walk, _) => Ok(turn_in_memory(plain, shared, walk, bound)),
    }
}

#[inline]
fn turn_in_memory<'m, T: FnMut(&[u8], &[u8]) -> bool>(
    plain: &mut Plain<'_, T>,
    shared: &mut SharedKey,
    walk: &mut impl WalkInMemory<'m>,
    bound: &TurnBound<'_, '_>,
) -> TurnEnd {
    let (mut head, mut entry) = (walk.head().to_number(), walk.entry());
    let mut is_same = shared.is(head, entry.user_key);
    loop {
        if head == bound.head {
            shared.note(head, entry.user_key);
        }
        if !plain.step(entry, is_same) {
            return TurnEnd::Stopped;
        }
        if !walk.advance() {
            return TurnEnd::Out;
        }
        let (before, key_before) = (head, entry.user_key);
        head = walk.head().to_number();
        if !bound.is_behind(head, || walk.entry()) {
            return TurnEnd::Over(head);
        }
        entry = walk.entry();
        is_same = head == before && is_same_key(entry.user_key, key_before);
    }
}

#[inline]
fn turn_of_run<T: FnMut(&[u8], &[u8]) -> bool>(
    plain: &mut Plain<'_, T>,
    shared: &mut SharedKey,
    run: &mut RunWalk<'_>,
    bound: &TurnBound<'_, '_>,
) -> Result<TurnEnd, Error> {
    let entry = run.entry();
    let head = head_of(entry.user_key);
    let is_same = shared.is(head, entry.user_key);
    if head == bound.head {
        shared.note(head, entry.user_key);
    }
    if !plain.step(entry, is_same) {
        return Ok(TurnEnd::Stopped);
    }
    let (mut is_stopped, mut over_at) = (false, None);
    let walked = run.walk_on(&mut |entry, is_same| {
        let head = head_of(entry.user_key);
        if !bound.is_behind(head, || entry) {
            over_at = Some(head);
            return false;
        }
        if head == bound.head {
            shared.note(head, entry.user_key);
        }
        is_stopped = !plain.step(entry, is_same);
        !is_stopped
    })?;
    Ok(match walked {
        _ if is_stopped => TurnEnd::Stopped,
        // Or it has come to another table, and nobody was asked.
        Walked::On => TurnEnd::Over(over_at.unwrap_or_else(|| head_of(run.entry().user_key))),
        Walked::Out => TurnEnd::Out,
        Walked::Astray => TurnEnd::Astray,
    })
}
