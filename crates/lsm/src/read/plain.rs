//! Walking over what lies plainly in a range, without cursors: keys and values are lent where they lie.
//!
//! Most entries of most databases are put or deleted and nothing more: no operand, no large value elsewhere, no time at
//! which they expire, and their blocks are mapped and not compressed. A scan of some dozen of those need not build what
//! it takes to walk over all others, in both directions, while memory is taken from under it. So it borrows the tables
//! for a moment, as a point read does, and walks. Where something is not plain it stops, and tells so: from there on
//! cursors go on. Short values that were made smaller are plain: each is unpacked when it is lent.
//!
//! One source is one loop. Several go by turns (`turns`).

use std::sync::Arc;

use super::ReadView;
use super::source_walk::SourceWalk;
use super::toll::Toll;
use crate::Error;
use crate::database::Core;
use crate::entry::{EntryRef, KeyBound, Kind, Sequence, copy_key};
use crate::keyspace::KeyRange;
use crate::merging::Visibility;
use crate::table::Walked;
use crate::tombstones::{DeadRanges, DeadWalk, Onward, TombstoneWalk};
use crate::values::plain_value;

/// After so many versions of one key a source seeks past the others.
const VERSIONS_BEFORE_SEEK: usize = 8;
/// After so many entries of one source that range deletes hide, it seeks past what they hide.
const HIDDEN_BEFORE_SEEK: usize = 4;
/// With so many entries one after the other of which a reader sees nothing cursors go on, which hold what they walk
/// over for no longer than others let them.
const MOST_PASSED: usize = 1 << 14;

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

/// What is to be done when a source was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    End(WalkEnd),
    /// The source is to seek past what is left of the versions of its key.
    Versions,
    /// The source is to seek to the end of the range delete that hides what it stands on.
    Hidden,
    /// All are to seek past what is known to be empty.
    Dead,
}

/// Goes from entry to entry and hands on those that count.
pub(super) struct Plain<'r, T> {
    range: &'r KeyRange,
    end: KeyBound<'r>,
    visibility: Visibility,
    /// Takes a key and its value, and tells whether to go on.
    take: T,
    /// Whether nothing was taken yet.
    is_at_start: bool,
    /// Whether it is known what is to be seen of the key of the entry before.
    is_decided: bool,
    /// Entries of that key that were passed.
    versions: usize,
    /// Entries of which nothing is seen, since the last that was.
    passed: usize,
    /// Of those the last that range deletes hide.
    hidden: usize,
    /// Why it stopped.
    stop: Stop,
    /// The range deletes of all sources, as far as these have come.
    tombstones: Vec<TombstoneWalk>,
    /// How many of these are of memtables: the first ones.
    tombstones_in_memory: usize,
    /// Whether only those hide the present entry.
    is_hidden_by_memory: bool,
    /// The sequence of the first range delete that does.
    hidden_by: Sequence,
    /// What the present source has is not newer than this, if there are any range deletes.
    source_through: Sequence,
    /// Where the range delete ends that hides what was passed.
    hidden_until: Vec<u8>,
    dead_ranges: &'r Arc<DeadRanges>,
    /// What is told of, and known of, deleted keys; begins with the first one.
    dead: Option<DeadWalk>,
    /// The key to seek past.
    past: Vec<u8>,
    /// The value that was unpacked last.
    unpacked: Vec<u8>,
    toll: Toll<'r>,
}

impl<'r, T: FnMut(&[u8], &[u8]) -> bool> Plain<'r, T> {
    fn new(
        range: &'r KeyRange,
        visibility: Visibility,
        core: &'r Core,
        toll: Toll<'r>,
        take: T,
    ) -> Plain<'r, T> {
        Plain {
            range,
            end: KeyBound::new(&range.end),
            visibility,
            take,
            is_at_start: true,
            is_decided: false,
            versions: 0,
            passed: 0,
            hidden: 0,
            stop: Stop::End(WalkEnd::Out),
            tombstones: Vec::new(),
            tombstones_in_memory: 0,
            is_hidden_by_memory: false,
            hidden_by: 0,
            source_through: 0,
            hidden_until: Vec::new(),
            dead_ranges: core.dead_ranges(),
            dead: None,
            past: Vec::new(),
            unpacked: Vec::new(),
            toll,
        }
    }

    /// Takes the next entry, of the same key as the one before or not; answers whether to go on.
    #[inline(always)]
    pub(super) fn step(&mut self, entry: EntryRef<'_>, is_same: bool) -> bool {
        if is_same && self.is_decided {
            self.toll.pass_version();
            return self.pass_version();
        }
        if !is_same {
            self.versions = 0;
            if self.end.compare(entry.user_key).is_ge() {
                return self.stopped(Stop::End(WalkEnd::Out));
            }
        }
        self.is_decided = self.visibility.sees(entry.sequence);
        if !self.is_decided {
            // No merge may drop what somebody sees.
            return self.pass_version();
        }
        self.toll.decide(entry.sequence);
        if entry.kind == Kind::Delete {
            self.toll.pass_deleted();
            return self.pass_deleted(entry.user_key, self.is_at_start);
        }
        if !self.tombstones.is_empty() && self.is_hidden(&entry) {
            return self.pass_hidden(entry.user_key);
        }
        if self.passed > 0 || self.is_at_start {
            self.end_stretch(entry.user_key);
        }
        match plain_value(&entry, &mut self.unpacked) {
            Some(value) => (self.take)(entry.user_key, value) || self.stopped(Stop::End(WalkEnd::Told)),
            None => self.stopped(Stop::End(WalkEnd::Astray)),
        }
    }

    #[inline]
    fn pass_version(&mut self) -> bool {
        self.passed += 1;
        self.versions += 1;
        if self.versions > VERSIONS_BEFORE_SEEK {
            return self.stopped(Stop::Versions);
        }
        self.passed <= MOST_PASSED || self.stopped(Stop::End(WalkEnd::Astray))
    }

    /// Passes over a key of which nothing is seen. What begins with deleted keys, as a queue does, or is hidden by a
    /// range delete, goes on with more of them most likely.
    fn pass_deleted(&mut self, key: &[u8], is_long: bool) -> bool {
        self.passed += 1;
        let (range, snapshot, is_at_start) = (self.range, self.visibility.snapshot(), self.is_at_start);
        let dead = self.dead.get_or_insert_with(|| {
            let ranges = self.dead_ranges.clone();
            let mut dead = DeadWalk::new(ranges, snapshot, &range.start, &range.end);
            if is_at_start {
                // Nothing is seen from there on.
                dead.begin_at(&range.start, false);
            }
            dead
        });
        dead.ask_at_once(is_long);
        match dead.pass_forward(key) {
            Onward::Step => self.passed <= MOST_PASSED || self.stopped(Stop::End(WalkEnd::Astray)),
            Onward::Past => self.stopped(Stop::Dead),
            Onward::Out => self.stopped(Stop::End(WalkEnd::Out)),
        }
    }

    #[cold]
    fn pass_hidden(&mut self, key: &[u8]) -> bool {
        self.hidden += 1;
        self.toll.pass_hidden(self.hidden_by, self.is_hidden_by_memory);
        if !self.pass_deleted(key, true) {
            return false;
        }
        if self.hidden < HIDDEN_BEFORE_SEEK || self.hidden_until.is_empty() {
            return true;
        }
        self.hidden = 0;
        self.stopped(Stop::Hidden)
    }

    /// Whether a range delete that is seen is newer than the entry. Notes where that ends, if all that the present
    /// source has until there is hidden, too.
    fn is_hidden(&mut self, entry: &EntryRef<'_>) -> bool {
        self.hidden_until.clear();
        self.is_hidden_by_memory = true;
        self.hidden_by = Sequence::MAX;
        for (place, walk) in self.tombstones.iter_mut().enumerate() {
            let Some((deleted, end)) = walk.covering(entry.user_key, self.visibility) else { continue };
            if deleted > entry.sequence {
                self.hidden_by = self.hidden_by.min(deleted);
            }
            self.is_hidden_by_memory &= deleted <= entry.sequence || place < self.tombstones_in_memory;
            if deleted > self.source_through && *end > *self.hidden_until {
                self.hidden_until.clear();
                self.hidden_until.extend_from_slice(end);
            }
        }
        self.hidden_by < Sequence::MAX
    }

    fn end_stretch(&mut self, key: &[u8]) {
        (self.passed, self.hidden, self.is_at_start) = (0, 0, false);
        self.toll.end_stretch();
        if let Some(dead) = &mut self.dead {
            dead.stop_forward(Some(key));
        }
    }

    #[cold]
    fn stopped(&mut self, stop: Stop) -> bool {
        self.stop = stop;
        false
    }

    /// Why the last step answered no.
    pub(super) fn why(&self) -> Stop {
        self.stop
    }

    /// There is nothing more.
    pub(super) fn out(&mut self) -> WalkEnd {
        if let Some(dead) = &mut self.dead {
            dead.stop_forward(None);
        }
        WalkEnd::Out
    }

    /// Where the walk may begin, if it is known that nothing is to be seen before.
    fn known_start(&mut self) -> Option<Vec<u8>> {
        let (mut bounds, snapshot) = ((Vec::new(), Vec::new()), self.visibility.snapshot());
        if !self.dead_ranges.around(&self.range.start, snapshot, &mut bounds) {
            return None;
        }
        let range = self.range;
        let mut dead = DeadWalk::new(self.dead_ranges.clone(), snapshot, &range.start, &range.end);
        dead.begin_at(&bounds.1, true);
        self.dead = Some(dead);
        Some(bounds.1)
    }

    /// Takes note of the range deletes of the tables that `source` has come to.
    #[inline]
    pub(super) fn heed_tombstones(&mut self, source: &mut SourceWalk<'_>) {
        while let Some(set) = source.next_tombstones() {
            // It may have come there before.
            if !self.tombstones.iter().any(|walk| walk.is_over(&set)) {
                self.tombstones.push(TombstoneWalk::new(set));
            }
        }
    }

    /// The next steps are over entries of `source`.
    #[inline]
    pub(super) fn begin_turn(&mut self, source: &SourceWalk<'_>) {
        self.toll.begin_turn(source);
        if !self.tombstones.is_empty() {
            self.source_through = source.last_sequence();
        }
    }

    /// Where all sources go when something is known to be empty.
    pub(super) fn behind_dead(&self) -> &[u8] {
        self.dead.as_ref().map_or(&[], |dead| dead.bounds().1)
    }

    /// Moves a source to the first entry at or after a key that is seen or may be.
    pub(super) fn seek(&self, source: &mut SourceWalk<'_>, key: &[u8]) -> Result<Walked, Error> {
        source.seek(key, self.visibility.snapshot())
    }

    /// Moves the source that was stopped, if that was for its sake, past what was said.
    #[cold]
    pub(super) fn seek_past(&mut self, source: &mut SourceWalk<'_>) -> Result<Walked, Error> {
        self.versions = 0;
        if self.stop == Stop::Hidden {
            self.toll.seek_past_hidden();
            return source.seek_near(&self.hidden_until, self.visibility.snapshot());
        }
        // Nothing is written at sequence 0, so that this stands on the next key.
        let sequence = if self.is_decided { 0 } else { self.visibility.snapshot() };
        copy_key(&mut self.past, source.entry().user_key);
        source.seek(&self.past, sequence)
    }
}

impl ReadView {
    /// Hands the keys and values in `range` that `visibility` sees to `take`, in order, as long as that answers true
    /// and they are plain. What was not handed over, or is behind the last that was, is still to be read if it ends
    /// astray. What is found to be empty, and what it costs, is told to `core`, of which this is a view.
    pub(super) fn walk_plain(
        &self,
        range: &KeyRange,
        visibility: Visibility,
        core: &Core,
        take: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<WalkEnd, Error> {
        let mut sources = SourceWalk::all_of(self);
        let toll = Toll::new(self.layers().read_costs(), core);
        let mut plain = Plain::new(range, visibility, core, toll, take);
        for memtable in self.memtables().newest_first().filter(|memtable| memtable.has_range_deletes()) {
            plain.tombstones.push(TombstoneWalk::new(memtable.tombstones()));
        }
        plain.tombstones_in_memory = plain.tombstones.len();
        let start = plain.known_start();
        let start = start.as_deref().unwrap_or(&range.start);
        if !plain.seek_all(&mut sources, start)? {
            return Ok(WalkEnd::Astray);
        }
        match sources.as_mut_slice() {
            [] => Ok(plain.out()),
            [source @ SourceWalk::Run(_)] => plain.walk_run(source),
            _ => plain.walk_by_turns(sources),
        }
    }
}

impl<T: FnMut(&[u8], &[u8]) -> bool> Plain<'_, T> {
    /// Moves all sources, and lets those go that have nothing; answers whether none went astray.
    pub(super) fn seek_all(&mut self, sources: &mut Vec<SourceWalk<'_>>, key: &[u8]) -> Result<bool, Error> {
        let sequence = self.visibility.snapshot();
        // What the blocks of runs are asked for comes while others are searched.
        let approached = sources.iter_mut().map(|source| source.approach(key, sequence));
        let approached = approached.collect::<Result<Vec<Walked>, Error>>()?;
        for at in (0..sources.len()).rev() {
            let walked = match approached[at] {
                Walked::On => sources[at].land(key, sequence)?,
                other => other,
            };
            self.heed_tombstones(&mut sources[at]);
            match walked {
                Walked::On => {}
                Walked::Out => drop(sources.swap_remove(at)),
                Walked::Astray => return Ok(false),
            }
        }
        self.toll.note_seek(sources);
        Ok(true)
    }

    /// From where a run stands, which is all there is.
    fn walk_run(mut self, source: &mut SourceWalk<'_>) -> Result<WalkEnd, Error> {
        loop {
            self.heed_tombstones(source);
            self.begin_turn(source);
            let SourceWalk::Run(run) = source else { return Ok(WalkEnd::Astray) };
            let mut goes_on = self.step(run.entry(), false);
            let mut walked = Walked::On;
            if goes_on {
                walked = run.walk_on(&mut |entry, is_same| {
                    goes_on = self.step(entry, is_same);
                    goes_on
                })?;
            }
            if !goes_on {
                walked = match self.stop {
                    Stop::End(WalkEnd::Out) => return Ok(self.out()),
                    Stop::End(end) => return Ok(end),
                    Stop::Dead => self.seek(source, self.behind_dead())?,
                    Stop::Versions | Stop::Hidden => self.seek_past(source)?,
                };
            }
            match walked {
                Walked::On => {}
                Walked::Out => return Ok(self.out()),
                Walked::Astray => return Ok(WalkEnd::Astray),
            }
        }
    }
}
