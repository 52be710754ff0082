//! Walking over what lies plainly in a range, without cursors: keys and values are lent where they lie.
//!
//! Most entries of most databases are put and nothing more: no operand, no large value elsewhere, no time at which they
//! expire, no deleted range about them, and their blocks are mapped and not compressed. A scan of some dozen of those
//! need not build what it takes to walk over all others, in both directions, while memory is taken from under it. So it
//! borrows the tables for a moment, as a point read does, and walks. Where something is not plain it stops, and tells
//! so: from there on cursors go on.

use super::ReadView;
use super::source_walk::{RunWalk, SourceWalk};
use crate::Error;
use crate::entry::{EntryRef, KeyBound, Kind, is_same_key};
use crate::keyspace::KeyRange;
use crate::merging::Visibility;
use crate::table::Walked;

/// With so many entries one after the other of which a reader sees nothing, cursors do better: they seek past them.
const MOST_PASSED: usize = 8;

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// There is nothing more in the range.
    Out,
    /// It was told to.
    Told,
    /// It came to what is not plain.
    Astray,
}

/// Goes from entry to entry and hands on those that count.
struct Plain<'r, T> {
    end: KeyBound<'r>,
    visibility: Visibility,
    /// Takes a key and its value, and tells whether to go on.
    take: T,
    /// Whether it is known what is to be seen of the key of the entry before.
    is_decided: bool,
    /// Entries of which nothing is seen, since the last that was.
    passed: usize,
    /// Why it ends.
    outcome: WalkEnd,
}

impl<T: FnMut(&[u8], &[u8]) -> bool> Plain<'_, T> {
    /// Takes the next entry, of the same key as the one before or not; answers whether to go on.
    #[inline(always)]
    fn step(&mut self, entry: EntryRef<'_>, is_same: bool) -> bool {
        if is_same && self.is_decided {
            return self.pass();
        }
        if self.end.compare(entry.user_key).is_ge() {
            return self.stop(WalkEnd::Out);
        }
        self.is_decided = self.visibility.sees(entry.sequence);
        match entry.kind {
            _ if !self.is_decided => self.pass(),
            Kind::Delete => self.pass(),
            Kind::Put => {
                self.passed = 0;
                (self.take)(entry.user_key, entry.value) || self.stop(WalkEnd::Told)
            }
            Kind::Stored | Kind::Marked => self.stop(WalkEnd::Astray),
        }
    }

    fn pass(&mut self) -> bool {
        self.passed += 1;
        self.passed <= MOST_PASSED || self.stop(WalkEnd::Astray)
    }

    #[cold]
    fn stop(&mut self, outcome: WalkEnd) -> bool {
        self.outcome = outcome;
        false
    }
}

impl ReadView {
    /// Hands the keys and values in `range` that `visibility` sees to `take`, in order, as long as that answers true
    /// and they are plain. What was not handed over, or is behind the last that was, is still to be read if it ends
    /// astray.
    pub(super) fn walk_plain(
        &self,
        range: &KeyRange,
        visibility: Visibility,
        take: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<WalkEnd, Error> {
        let Some(mut sources) = SourceWalk::all_of(self) else { return Ok(WalkEnd::Astray) };
        let (end, is_decided, passed) = (KeyBound::new(&range.end), false, 0);
        let plain = Plain { end, visibility, take, is_decided, passed, outcome: WalkEnd::Out };
        for at in (0..sources.len()).rev() {
            match sources[at].seek(&range.start, visibility.snapshot())? {
                Walked::On => {}
                Walked::Out => drop(sources.swap_remove(at)),
                Walked::Astray => return Ok(WalkEnd::Astray),
            }
        }
        match sources.as_mut_slice() {
            [] => Ok(WalkEnd::Out),
            [SourceWalk::Run(run)] => plain.walk_run(run),
            _ => plain.walk_all(sources),
        }
    }
}

impl<T: FnMut(&[u8], &[u8]) -> bool> Plain<'_, T> {
    /// From where `run` stands.
    fn walk_run(mut self, run: &mut RunWalk<'_>) -> Result<WalkEnd, Error> {
        if !self.step(run.entry(), false) {
            return Ok(self.outcome);
        }
        Ok(match run.walk_on(&mut |entry, is_same| self.step(entry, is_same))? {
            Walked::On => self.outcome,
            Walked::Out => WalkEnd::Out,
            Walked::Astray => WalkEnd::Astray,
        })
    }

    /// From where `sources` stand, by turns.
    fn walk_all(mut self, mut sources: Vec<SourceWalk<'_>>) -> Result<WalkEnd, Error> {
        let mut last_key: Vec<u8> = Vec::new();
        loop {
            let Some(first) = first_of(&sources, None) else { return Ok(WalkEnd::Out) };
            let second = first_of(&sources, Some(first));
            let mut step = |entry: EntryRef<'_>| {
                let is_same = is_same_key(entry.user_key, &last_key);
                if !is_same {
                    last_key.clear();
                    last_key.extend_from_slice(entry.user_key);
                }
                self.step(entry, is_same)
            };
            if !step(sources[first].entry()) {
                return Ok(self.outcome);
            }
            let mut is_told = false;
            let walked = match second.map(|second| sources.get_disjoint_mut([first, second])) {
                None => sources[first].walk_on(&mut |entry| {
                    is_told = !step(entry);
                    !is_told
                }),
                Some(Ok([source, second])) => {
                    let second = second.entry();
                    let bound = KeyBound::new(second.user_key);
                    source.walk_on(&mut |entry| {
                        let order = bound.compare(entry.user_key);
                        if order.then(second.sequence.cmp(&entry.sequence)).is_gt() {
                            return false;
                        }
                        is_told = !step(entry);
                        !is_told
                    })
                }
                // Two places that differ.
                Some(Err(_)) => return Ok(WalkEnd::Astray),
            };
            match walked? {
                Walked::On if is_told => return Ok(self.outcome),
                Walked::On => {}
                Walked::Out => drop(sources.swap_remove(first)),
                Walked::Astray => return Ok(WalkEnd::Astray),
            }
        }
    }
}

/// Which source stands on the first entry, `but` one left out; they are few.
fn first_of(sources: &[SourceWalk<'_>], but: Option<usize>) -> Option<usize> {
    let others = sources.iter().enumerate().filter(|(at, _)| Some(*at) != but);
    let first = others.min_by(|(_, one), (_, other)| {
        let other = other.entry();
        one.entry().compare_to(other.user_key, other.sequence)
    });
    first.map(|(at, _)| at)
}
