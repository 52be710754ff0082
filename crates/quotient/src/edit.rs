//! Giving a key another count or value: the slots of its run that change, the rest of the cluster moving.

use crate::blocks::Blocks;
use crate::counter::{extension, slots_for};
use crate::find::{Counted, FindFar, Found, Sought};
use crate::machine::{Cpu, Work};
use crate::{Error, Key};

/// What a change did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changed {
    pub(crate) old: Counted,
    pub(crate) new: Counted,
    /// Slots taken before and after.
    pub(crate) slots: (usize, usize),
}

/// Why nothing was changed.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The view ends before it is known what to move, or before a free slot.
    Beyond,
    /// The change itself was refused.
    Refused(Error),
}

impl Blocks<&mut [u8]> {
    /// Changes what is said of a key; on failure nothing has changed.
    #[inline(always)]
    pub(crate) fn change<K: Key, C: Cpu>(
        &mut self,
        sought: Sought<K>,
        change: impl FnOnce(Counted) -> Result<Counted, Error>,
    ) -> Result<Changed, Halt> {
        let quotient = sought.quotient;
        if let Some(home) = self.home::<K, C>(quotient) {
            if home.is_free() {
                let new = change(Counted::default()).map_err(Halt::Refused)?;
                let (key, length) = self.spell(sought, new);
                if length == 1 {
                    self.fill_home(quotient, &home, key.first);
                } else {
                    self.rewrite::<K, C>(quotient, Found::free(quotient), key, length)?;
                }
                return Ok(Changed { old: Counted::default(), new, slots: (0, length) });
            }
            if let Some(near) = self.find_near::<K>(sought, &home) {
                let (old, taken) = (near.counted, near.taken as usize);
                let new = change(old).map_err(Halt::Refused)?;
                let (key, length) = self.spell(sought, new);
                if !self.rewrite_near::<K, C>(quotient, &home, &near, &key, length) {
                    self.rewrite::<K, C>(quotient, near.found(quotient / 64), key, length)?;
                }
                return Ok(Changed { old, new, slots: (taken, length) });
            }
        }
        let found = C::apart(FindFar(self.reading(), sought)).ok_or(Halt::Beyond)?;
        let (old, taken) = (found.counted, found.length);
        let new = change(old).map_err(Halt::Refused)?;
        let (key, length) = self.spell(sought, new);
        self.rewrite::<K, C>(quotient, found, key, length)?;
        Ok(Changed { old, new, slots: (taken, length) })
    }

    /// What a key's slots shall say, and how many it takes.
    #[inline(always)]
    fn spell<K: Key>(&self, sought: Sought<K>, new: Counted) -> (Spelling<K>, usize) {
        let first = sought.wanted | K::from(new.value);
        let key = Spelling { first, top: first | sought.low, count: new.count };
        (key, slots_for(new.count, key.top, self.slot_bits()))
    }

    #[inline(always)]
    fn rewrite<K: Key, C: Cpu>(
        &mut self,
        quotient: usize,
        found: Found,
        key: Spelling<K>,
        length: usize,
    ) -> Result<(), Halt> {
        let done = C::apart(Rewrite { blocks: self.writing(), quotient, found, key, length });
        if done { Ok(()) } else { Err(Halt::Beyond) }
    }

    /// The first free slot at or after the home slot, if that and as many as are wanted are there.
    #[inline(always)]
    fn room<C: Cpu>(&self, quotient: usize, start: usize, wanted: usize) -> Option<usize> {
        let first = self.first_free::<C>(quotient, start)?;
        let mut free = first;
        for _ in 1..wanted {
            free = self.next_free::<C>(free + 1)?;
        }
        Some(first)
    }

    /// Writes a key that takes more slots than before. There is room for them, from slot `free` on.
    #[inline(always)]
    fn lengthen<K: Key, C: Cpu>(
        &mut self,
        quotient: usize,
        found: &Found,
        key: Spelling<K>,
        length: usize,
        free: usize,
    ) {
        let mut free = free;
        for index in 0..length {
            let (at, content) = (found.slot + index, key.slot(index, self.slot_bits()));
            if index < found.length {
                self.set_slot(at, content);
                continue;
            }
            if index > found.length {
                // Found before, by `room`.
                free = self.next_free::<C>(free + 1).unwrap_or(free);
            }
            // Past the first slot, the one before belongs to the same key.
            let appended = if index == 0 { found.run_ends } else { self.is_runend(at - 1) };
            self.insert_slot(NewSlot { quotient, at, free, appended }, content);
        }
    }

    /// Writes a key that takes as many slots as before, fewer or none.
    #[inline(always)]
    fn shorten<K: Key, C: Cpu>(
        &mut self,
        quotient: usize,
        found: &Found,
        key: Spelling<K>,
        length: usize,
    ) -> Option<()> {
        if length < found.length {
            // From the last slot backward, so that a run end moves to a slot of the same key. What has to move only
            // becomes less with each: if the first one is possible, all are.
            for index in (length..found.length).rev() {
                self.remove_slot::<K, C>(quotient, found.start, found.slot + index)?;
            }
        }
        for index in 0..length {
            self.set_slot(found.slot + index, key.slot(index, self.slot_bits()));
        }
        Some(())
    }

    /// Puts a slot into a run; O(distance to the free slot).
    #[inline(always)]
    fn insert_slot<K: Key>(&mut self, new: NewSlot, content: K) {
        let NewSlot { quotient, at, free, appended } = new;
        if at < free {
            self.shift_up::<K>(at, free);
        }
        self.set_slot(at, content);
        self.set_runend(at, appended || !self.is_occupied(quotient));
        if appended {
            self.set_runend(at - 1, false);
        }
        self.set_occupied(quotient, true);
        // What was pushed over the start of a later block, or lay there already, now reaches a slot further.
        self.raise_offsets(quotient / 64, free / 64);
    }

    /// Takes slot `at` out of the run of `quotient`, which begins at `start`.
    #[inline(always)]
    fn remove_slot<K: Key, C: Cpu>(&mut self, quotient: usize, start: usize, at: usize) -> Option<()> {
        let end = self.run_end::<C>(start)?;
        let limit = self.shift_limit::<C>(quotient, end)?;
        if end - start == 1 {
            self.set_occupied(quotient, false);
        } else if at + 1 == end {
            self.set_runend(at - 1, true);
        }
        self.shift_down::<K>(at + 1, limit);
        self.lower_offsets::<C>(quotient / 64, (limit - 1) / 64);
        Some(())
    }
}

/// Writing what a key's slots shall say, whatever has to move for it; whether that was possible.
struct Rewrite<'a, K> {
    blocks: Blocks<&'a mut [u8]>,
    quotient: usize,
    found: Found,
    key: Spelling<K>,
    length: usize,
}

impl<K: Key> Work for Rewrite<'_, K> {
    type Output = bool;

    #[inline(always)]
    fn run<C: Cpu>(self) -> bool {
        let Self { mut blocks, quotient, found, key, length } = self;
        if length <= found.length {
            return blocks.shorten::<K, C>(quotient, &found, key, length).is_some();
        }
        let Some(free) = blocks.room::<C>(quotient, found.start, length - found.length) else { return false };
        blocks.lengthen::<K, C>(quotient, &found, key, length, free);
        true
    }
}

/// A slot to be put into a run.
#[derive(Debug, Clone, Copy)]
struct NewSlot {
    /// The run's quotient.
    quotient: usize,
    /// Where: in the run, right after it, or where it would begin if there is none.
    at: usize,
    /// The first free slot at or after `at`.
    free: usize,
    /// Whether `at` is right after the run.
    appended: bool,
}

/// A key as its slots will say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling<K> {
    /// Remainder and value.
    pub(crate) first: K,
    /// The greatest number with this remainder.
    pub(crate) top: K,
    pub(crate) count: u64,
}

impl<K: Key> Spelling<K> {
    /// What the slot of this index holds.
    #[inline(always)]
    pub(crate) fn slot(&self, index: usize, slot_bits: u32) -> K {
        if index == 0 { self.first } else { extension(self.count, self.top, index, slot_bits) }
    }
}
