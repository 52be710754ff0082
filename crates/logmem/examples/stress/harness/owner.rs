//! A thread and the keys it owns: it knows what each must hold, down to the version.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use stroma_logmem::{Error, Expected, Store, Version};

use super::Flaw;
use super::board::{Board, Note, is_kept};
use super::profile::Profile;
use super::random::Random;
use super::value::{key_bytes, revision_of, write_value};

/// A refusal for want of memory below this share of the pool, in percent, is an early one. It happens: others may
/// snatch what a writer has cleaned until its patience ends. But it must be rare: none in sixty million puts is usual.
const REFUSABLE_PERCENT: i64 = 40;
/// So many early refusals are let pass, and one more for so many puts.
const EARLY_AT_FIRST: u64 = 3;
const PUTS_PER_EARLY: u64 = 1_000_000;

/// What all owners count together.
#[derive(Default)]
pub(crate) struct Tally {
    /// Bytes of the keys and values that are present.
    pub(crate) live_bytes: AtomicI64,
    /// Puts that were refused for want of memory.
    pub(crate) refused: AtomicU64,
    /// Those of them that came while there should have been memory.
    pub(crate) refused_early: AtomicU64,
    pub(crate) puts: AtomicU64,
    pub(crate) removals: AtomicU64,
}

/// The keys `number, number + owners, number + 2 * owners, …`, which this thread alone writes.
pub(crate) struct Owner {
    number: u64,
    owners: u64,
    /// Version and bytes of each key that is present, by its place among this owner's.
    known: Vec<Option<(Version, usize)>>,
    value: Vec<u8>,
}

/// What an owner works with.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a Store,
    pub(crate) board: &'a Board,
    pub(crate) tally: &'a Tally,
    pub(crate) capacity_bytes: usize,
}

impl Owner {
    pub(crate) fn new(number: u64, owners: u64, keys: u64) -> Owner {
        let own = (keys + owners - 1 - number) / owners;
        Owner { number, owners, known: vec![None; own as usize], value: Vec::new() }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn key(&self, place: usize) -> u64 {
        place as u64 * self.owners + self.number
    }

    /// Removes every key from `active` on, so that the memory is there for the others.
    pub(crate) fn shrink_to(&mut self, active: u64, scene: Scene<'_>) -> Result<(), Flaw> {
        for place in 0..self.known.len() {
            if self.key(place) >= active && self.known[place].is_some() {
                self.remove(place, Expected::Any, scene)?;
            }
        }
        Ok(())
    }

    /// Changes or reads one of the keys below `active`.
    pub(crate) fn step(
        &mut self,
        active: u64,
        profile: &Profile,
        random: &mut Random,
        scene: Scene<'_>,
    ) -> Result<(), Flaw> {
        let own = active.saturating_sub(self.number).div_ceil(self.owners);
        if own == 0 {
            return Ok(());
        }
        let place = random.below(own) as usize;
        let key = self.key(place);
        let right = self.known[place].map_or(Expected::Absent, |(version, _)| Expected::Version(version));
        let expected = if random.one_in(2) { right } else { Expected::Any };
        match random.below(16) {
            0..=2 => self.read(place, scene),
            3 => self.expect_wrongly(place, random, scene),
            _ if random.one_in(profile.remove_one_in) && !is_kept(key) => self.remove(place, expected, scene),
            _ => {
                let length = profile.length(random);
                self.put(place, length, expected, scene)
            }
        }
    }

    fn put(&mut self, place: usize, length: usize, expected: Expected, scene: Scene<'_>) -> Result<(), Flaw> {
        let key = self.key(place);
        let bytes = key_bytes(key);
        let before = scene.board.note(key);
        write_value(key, before.revision + 1, length, &mut self.value);
        scene.board.set(key, Note { busy: true, ..before });
        match scene.store.put_if(&bytes, &self.value, expected) {
            Ok(version) => {
                let size = bytes.len() + self.value.len();
                let old = self.known[place].replace((version, size));
                let newer = old.is_none_or(|(old, _)| version > old);
                Flaw::unless(newer, || format!("key {key}: put gave {version:?} after {old:?}"))?;
                let grown = size as i64 - old.map_or(0, |(_, size)| size as i64);
                scene.tally.live_bytes.fetch_add(grown, Ordering::Relaxed);
                scene.tally.puts.fetch_add(1, Ordering::Relaxed);
                scene.board.set(key, Note { revision: before.revision + 1, present: true, busy: false });
                Ok(())
            }
            Err(error @ Error::OutOfMemory { awaiting_readers, .. }) => {
                scene.board.set(key, before);
                scene.tally.refused.fetch_add(1, Ordering::Relaxed);
                let live = scene.tally.live_bytes.load(Ordering::Relaxed);
                let full = live >= scene.capacity_bytes as i64 / 100 * REFUSABLE_PERCENT;
                if full || awaiting_readers > 0 {
                    return Ok(());
                }
                let early = scene.tally.refused_early.fetch_add(1, Ordering::Relaxed) + 1;
                let puts = scene.tally.puts.load(Ordering::Relaxed);
                Flaw::unless(early <= EARLY_AT_FIRST + puts / PUTS_PER_EARLY, || {
                    format!("{early} early refusals in {puts} puts; the last with {live} bytes live: {error}")
                })
            }
            Err(error) => Err(Flaw(format!("key {key}: {error}"))),
        }
    }

    fn remove(&mut self, place: usize, expected: Expected, scene: Scene<'_>) -> Result<(), Flaw> {
        let key = self.key(place);
        let before = scene.board.note(key);
        scene.board.set(key, Note { busy: true, ..before });
        let removed = scene.store.remove_if(&key_bytes(key), expected)?;
        let known = self.known[place].take();
        scene.board.set(key, Note { revision: before.revision + 1, present: false, busy: false });
        scene.tally.live_bytes.fetch_sub(known.map_or(0, |(_, size)| size as i64), Ordering::Relaxed);
        scene.tally.removals.fetch_add(1, Ordering::Relaxed);
        let known = known.map(|(version, _)| version);
        Flaw::unless(removed == known, || format!("key {key}: removed {removed:?}, known was {known:?}"))
    }

    /// A write that expects another version must be refused and change nothing.
    fn expect_wrongly(&mut self, place: usize, random: &mut Random, scene: Scene<'_>) -> Result<(), Flaw> {
        let key = self.key(place);
        let wrong = match self.known[place] {
            Some(_) if random.one_in(2) => Expected::Absent,
            Some((version, _)) => Expected::Version(Version::from_bits(version.to_bits() + 1)),
            None => Expected::Version(Version::from_bits(random.below(1000))),
        };
        write_value(key, u64::MAX, 64, &mut self.value);
        let put = scene.store.put_if(&key_bytes(key), &self.value, wrong);
        let refused = matches!(put, Err(Error::VersionMismatch { .. } | Error::OutOfMemory { .. }));
        Flaw::unless(refused, || format!("key {key}: a put that expected {wrong:?} gave {put:?}"))?;
        let removal = scene.store.remove_if(&key_bytes(key), wrong);
        let refused = matches!(removal, Err(Error::VersionMismatch { .. }));
        Flaw::unless(refused, || format!("key {key}: a removal that expected {wrong:?} gave {removal:?}"))?;
        self.read(place, scene)
    }

    /// Reads a key in each of the ways there are; nobody else writes it, so that all must agree.
    fn read(&self, place: usize, scene: Scene<'_>) -> Result<(), Flaw> {
        let key = self.key(place);
        let bytes = key_bytes(key);
        let known = self.known[place].map(|(version, _)| version);
        let note = scene.board.note(key);
        let guarded = match scene.store.get(&bytes) {
            Some(guard) => Some((revision_of(key, &guard)?, guard.version())),
            None => None,
        };
        let copied = match scene.store.get_copied(&bytes) {
            Some((value, version)) => Some((revision_of(key, &value)?, version)),
            None => None,
        };
        let right = known.map(|version| (note.revision, version));
        Flaw::unless(guarded == right && copied == right, || {
            format!("key {key}: {right:?} was written; get gives {guarded:?}, get_copied {copied:?}")
        })?;
        let contained = scene.store.contains(&bytes);
        Flaw::unless(contained == known.is_some(), || format!("key {key}: contains answers {contained}"))
    }

    /// Reads all of its keys; how many are present.
    pub(crate) fn recount(&self, scene: Scene<'_>) -> Result<usize, Flaw> {
        (0..self.known.len()).try_for_each(|place| self.read(place, scene))?;
        Ok(self.known.iter().flatten().count())
    }
}
