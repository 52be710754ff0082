//! Finding a key in its run, and reading its count.

use crate::Key;
use crate::blocks::Blocks;
use crate::counter::Digits;
use crate::machine::{Cpu, Work};

/// How often a key is counted, and the value beside it.
///
/// A count of 0 says that the key is absent; its value is then 0 too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How often.
    pub count: u64,
    /// The value; 0 in filters whose values have no bits.
    pub value: u64,
}

/// A key's slots within its run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Where the run begins, or would begin.
    pub(crate) start: usize,
    /// Slot of the remainder, or where it would go.
    pub(crate) slot: usize,
    /// Slots taken; 0 if the key is absent.
    pub(crate) length: usize,
    pub(crate) counted: Counted,
    /// Whether there is a run and it ends right after these slots.
    pub(crate) run_ends: bool,
}

impl Found {
    /// A key that is absent and whose home slot is free.
    pub(crate) fn free(quotient: usize) -> Self {
        Self { start: quotient, slot: quotient, length: 0, counted: Counted::default(), run_ends: false }
    }
}

/// A key and its count as slots say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelled {
    pub(crate) length: usize,
    pub(crate) count: u64,
    pub(crate) run_ends: bool,
}

impl<B: AsRef<[u8]>> Blocks<B> {
    /// What a slot holds; none where there is no such slot.
    #[inline(always)]
    fn slot_if_there<K: Key>(&self, slot: usize) -> Option<K> {
        (slot < self.slots()).then(|| self.slot(slot))
    }

    /// Reads the count that begins in `slot`, which holds a key and is `top` at most. What goes on beyond the
    /// last slot, as only forged counts do, ends there.
    #[inline(always)]
    pub(crate) fn spelled<K: Key>(&self, slot: usize, top: K) -> Spelled {
        if self.is_runend(slot) {
            return Spelled { length: 1, count: 1, run_ends: true };
        }
        let Some(next) = self.slot_if_there::<K>(slot + 1) else {
            return Spelled { length: 1, count: 1, run_ends: true };
        };
        if next > top {
            return Spelled { length: 1, count: 1, run_ends: false };
        }
        if next < top {
            let run_ends = self.is_runend(slot + 1);
            return Spelled { length: 2, count: next.low().saturating_add(2), run_ends };
        }
        self.long(slot, top)
    }

    /// Reads a count with digits.
    #[cold]
    fn long<K: Key>(&self, slot: usize, top: K) -> Spelled {
        let (mut digits, mut last) = (Digits::new(self.slot_bits()), slot + 2);
        while self.slot_if_there::<K>(last).is_some_and(|digit| digits.push(digit)) {
            last += 1;
        }
        let run_ends = last >= self.slots() || self.is_runend(last);
        Spelled { length: last + 1 - slot, count: digits.count(top), run_ends }
    }

    /// Finds a key wherever its run lies.
    #[inline(always)]
    fn find_far<K: Key, C: Cpu>(&self, sought: Sought<K>) -> Option<Found> {
        let Sought { quotient, wanted, low } = sought;
        if !self.to_the_end {
            // The run must end within the window before its slots are read.
            self.end_through::<C>(quotient)?;
        }
        let start = self.run_start::<C>(quotient)?;
        let mut found = Found { start, slot: start, length: 0, counted: Counted::default(), run_ends: false };
        if !self.is_occupied(quotient) {
            return Some(found);
        }
        while !found.run_ends {
            let content = self.slot::<K>(found.slot);
            let here = content & !low;
            if here > wanted {
                return Some(found);
            }
            let spelled = self.spelled(found.slot, content | low);
            found.run_ends = spelled.run_ends;
            if here == wanted {
                found.length = spelled.length;
                found.counted = Counted { count: spelled.count, value: (content & low).low() };
                return Some(found);
            }
            found.slot += spelled.length;
        }
        Some(found)
    }

    /// Looks a key up wherever its run lies, in a view of all blocks; none where it is not, whatever the slots
    /// hold.
    #[inline(always)]
    pub(crate) fn look_up_far<K: Key, C: Cpu>(&self, sought: Sought<K>) -> Option<Counted> {
        let Sought { quotient, wanted, low } = sought;
        if !self.is_occupied(quotient) {
            return None;
        }
        let mut slot = self.run_start::<C>(quotient)?;
        let mut content = self.slot_if_there::<K>(slot)?;
        // Keys that come before, each slot read once as long as they are counted once.
        while content | low < wanted {
            if self.is_runend(slot) {
                return None;
            }
            let next = self.slot_if_there::<K>(slot + 1)?;
            if next > content | low {
                (slot, content) = (slot + 1, next);
                continue;
            }
            let spelled = self.spelled(slot, content | low);
            if spelled.run_ends {
                return None;
            }
            slot += spelled.length;
            content = self.slot_if_there(slot)?;
        }
        if content & !low != wanted {
            return None;
        }
        Some(Counted { count: self.spelled(slot, content | low).count, value: (content & low).low() })
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Sought<K> {
    pub(crate) quotient: usize,
    /// The remainder, and below it 0 for each bit of a value.
    pub(crate) wanted: K,
    /// All bits of a value.
    pub(crate) low: K,
}

/// Finding a key wherever its run lies; `None` if that is beyond the view.
pub(crate) struct FindFar<'a, K>(pub(crate) Blocks<&'a [u8]>, pub(crate) Sought<K>);

impl<K: Key> Work for FindFar<'_, K> {
    type Output = Option<Found>;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Option<Found> {
        self.0.find_far::<K, C>(self.1)
    }
}

/// A remainder with room for a value below it.
#[inline(always)]
pub(crate) fn shifted<K: Key>(remainder: K, value_bits: u32) -> K {
    // The value may be as wide as a slot less one bit, so the shift is always defined.
    remainder << value_bits
}
