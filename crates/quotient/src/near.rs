//! The common case of finding a key: its run lies in its home block, and the key among its first slots.
//!
//! What a run holds is as good as random, so a branch on it is mispredicted as often as not; and while one
//! is, the processor fetches nothing for the next lookup. Here the first slots of a run are all compared, and
//! which of them counts is worked out from the comparisons. The few cases this does not decide (a run that
//! was pushed towards the next block, a long one, a count with digits) go a longer way.

use core::hint::select_unpredictable as either;

use crate::Key;
use crate::blocks::{Blocks, Head};
use crate::edit::Spelling;
use crate::find::{Counted, Found, Sought};
use crate::machine::{Cpu, Sight};

/// Runs that begin further back go a longer way: their first slots may be in the next block.
const LAST_BEGIN: u32 = 61;

/// The last slot of two blocks that has one after it.
const LAST_OF_TWO: u32 = 126;

/// The first two slots of a run in its home block, compared with what is sought. Slots are counted from the
/// block's first.
struct Near<K> {
    /// Where the run begins, or would begin.
    begin: u32,
    /// The run ends from there on.
    ends: u64,
    /// Whether the two come before the key: 0 or 1.
    passed: [u32; 2],
    /// The first slot if it does not come before the key, otherwise the second.
    content: K,
}

/// What the bitmaps of its home block say of a quotient.
#[derive(Clone, Copy)]
pub(crate) struct Home {
    head: Head,
    /// The home slot, counted from the block's first.
    slot: u32,
    /// The slot after the runs of earlier quotients; past the block's last if that is not known.
    reach: u32,
    /// Whether it has a run: 0 or 1.
    occupied: u32,
}

impl Home {
    #[inline(always)]
    fn read<C: Cpu>(head: Head, slot: u32) -> Self {
        let runs = C::ones(head.occupieds & !(u64::MAX << slot));
        // The bit after each run end, and one for where the first run begins; offsets past the block end
        // select something past it, too.
        let begins = (head.runends >> (head.offset % 64)) << 1 | 1;
        let reach = head.offset + C::select(begins, runs);
        Self { head, slot, reach, occupied: (head.occupieds >> slot) as u32 & 1 }
    }

    /// Whether nothing is in the home slot.
    #[inline(always)]
    pub(crate) fn is_free(&self) -> bool {
        self.reach + (self.occupied << 16) <= self.slot
    }
}

impl<K: Key> Near<K> {
    #[inline(always)]
    fn read(block: Sight<'_, K>, home: &Home, sought: Sought<K>) -> Option<Self> {
        let Home { head, slot, reach, .. } = *home;
        let begin = either(reach > slot, reach, slot);
        if begin > LAST_BEGIN {
            return None;
        }
        let (first, second) = (block.slot(begin), block.slot(begin + 1));
        let passed = [u32::from(first < sought.wanted), u32::from(second < sought.wanted)];
        let content = either(first < sought.wanted, second, first);
        Some(Self { begin, ends: head.runends >> begin, passed, content })
    }

    /// Whether `content` is the key. (As numbers: conditions would become branches.)
    #[inline(always)]
    fn is_there(&self, sought: Sought<K>) -> bool {
        let ended = K::from(u64::from(self.passed[0]) & self.ends);
        (self.content ^ sought.wanted) & !sought.low | ended == K::ZERO
    }

    /// Count and value of the key that is there, and the slots it takes; `None` for a count with digits.
    #[inline(always)]
    fn counted(&self, block: Sight<'_, K>, sought: Sought<K>) -> Option<(Counted, u32)> {
        let before = self.passed[0];
        let (value, top) = ((self.content & sought.low).low(), self.content | sought.low);
        // If the run ends with the key, more than any slot.
        let ended = K::ZERO.wrapping_sub(K::from(self.ends >> before & 1));
        let next = block.slot(self.begin + before + 1) | ended;
        if next > top {
            return Some((Counted { count: 1, value }, 1));
        }
        (next < top).then(|| (Counted { count: next.low().saturating_add(2), value }, 2))
    }

    /// Whether the key may be further back in its run, if there is a run.
    #[inline(always)]
    fn goes_on(&self) -> bool {
        u64::from(self.passed[0] & self.passed[1] ^ 1) | self.ends & 3 == 0
    }
}

/// Looks a key up, if that is easy.
#[inline(always)]
pub(crate) fn look_up_near<K: Key, C: Cpu>(block: Sight<'_, K>, sought: Sought<K>) -> Option<Counted> {
    let (head, slot) = (block.head(), (sought.quotient % 64) as u32);
    if head.occupieds >> slot & 1 == 0 {
        return Some(Counted::default());
    }
    let near = Near::read(block, &Home::read::<C>(head, slot), sought)?;
    if near.is_there(sought) {
        return near.counted(block, sought).map(|(counted, _)| counted);
    }
    (!near.goes_on()).then(Counted::default)
}

/// Looks a key up whose run lies in its home block and the one after it. `None` if it goes on beyond, and before
/// digits of a count: those follow a slot that equals the top of the one before, and may be anything.
#[inline(always)]
pub(crate) fn look_up_in_two<K: Key, C: Cpu>(block: Sight<'_, K>, sought: Sought<K>) -> Option<Counted> {
    let (head, slot) = (block.head(), (sought.quotient % 64) as u32);
    if head.occupieds >> slot & 1 == 0 {
        return Some(Counted::default());
    }
    if head.offset > LAST_OF_TWO {
        return None;
    }
    // The second block's bitmaps are another line of memory: they are read only if the run ends there.
    let (runs, first) =
        (C::ones(head.occupieds & !(u64::MAX << slot)), head.runends.checked_shr(head.offset).unwrap_or(0));
    let in_first = C::ones(first);
    let reach = match runs {
        0 => head.offset,
        _ if runs <= in_first => head.offset + C::select(first, runs - 1) + 1,
        _ => {
            let from = head.offset.max(64);
            from + C::select(block.next_runends() >> (from - 64), runs - in_first - 1) + 1
        }
    };
    let begin = reach.max(slot);
    // The run ends from its first slot on: as many slots are looked at.
    let mut ends = head.runends.checked_shr(begin).unwrap_or(0);
    if ends == 0 {
        let both = u128::from(block.next_runends()) << 64 | u128::from(head.runends);
        ends = both.checked_shr(begin).unwrap_or(0) as u64;
    }
    let mut top_before = K::MAX;
    for at in begin..=LAST_OF_TWO.min(begin + 63) {
        let (content, ended) = (block.slot_of_both(at), ends & 1 == 1);
        if content >= sought.wanted {
            if content & !sought.low != sought.wanted {
                return Some(Counted::default());
            }
            let (value, top) = ((content & sought.low).low(), content | sought.low);
            let next = block.slot_of_both(at + 1);
            if ended || next > top {
                return Some(Counted { count: 1, value });
            }
            return (next < top).then(|| Counted { count: next.low().saturating_add(2), value });
        }
        if ended {
            return Some(Counted::default());
        }
        if content == top_before {
            return None;
        }
        (top_before, ends) = (content | sought.low, ends >> 1);
    }
    None
}

impl<B: AsRef<[u8]>> Blocks<B> {
    /// Looks at the home block of a quotient, if it is one that is easy to read.
    #[inline(always)]
    pub(crate) fn home<K: Key, C: Cpu>(&self, quotient: usize) -> Option<Home> {
        Some(Home::read::<C>(self.one::<K>(quotient / 64)?.head(), (quotient % 64) as u32))
    }

    /// Finds a key, if that is easy.
    #[inline(always)]
    pub(crate) fn find_near<K: Key>(&self, sought: Sought<K>, home: &Home) -> Option<NearFound> {
        let block = self.one::<K>(sought.quotient / 64)?;
        let near = Near::read(block, home, sought)?;
        let occupied = home.occupied;
        let length = (near.ends.trailing_zeros() + 1) & occupied.wrapping_neg();
        let (begin, [one, two]) = (near.begin, near.passed);
        // A longer run is one that goes on in the next block, or seems to.
        if u32::from(near.goes_on()) & occupied | length >> 6 != 0 {
            return None;
        }
        if near.is_there(sought) & (length > 0) {
            let (counted, taken) = near.counted(block, sought)?;
            return Some(NearFound { begin, length, slot: begin + one, taken, counted });
        }
        let before = one + (one & two);
        let slot = begin + either(before < length, before, length);
        Some(NearFound { begin, length, slot, taken: 0, counted: Counted::default() })
    }
}

/// A key in its home block, or where it would be. Slots are counted from the block's first.
#[derive(Clone, Copy)]
pub(crate) struct NearFound {
    /// Where the run begins, or would begin.
    begin: u32,
    /// Slots of the run; 0 if there is none.
    length: u32,
    /// The slot of the remainder, or where it would go.
    slot: u32,
    /// Slots taken; 0 if the key is absent, at most 2.
    pub(crate) taken: u32,
    pub(crate) counted: Counted,
}

impl NearFound {
    /// The same, counted from the view's first slot.
    #[inline(always)]
    pub(crate) fn found(&self, block: usize) -> Found {
        let Self { begin, length, slot, taken, counted } = *self;
        let run_ends = (length > 0) & (slot + taken == begin + length);
        let (start, slot) = (block * 64 + begin as usize, block * 64 + slot as usize);
        Found { start, slot, length: taken as usize, counted, run_ends }
    }
}

impl Blocks<&mut [u8]> {
    /// Begins a run in its home slot, which is free.
    #[inline(always)]
    pub(crate) fn fill_home<K: Key>(&mut self, quotient: usize, home: &Home, content: K) {
        let (head, bit) = (home.head, 1 << home.slot);
        self.set_bitmaps(quotient / 64, head.occupieds | bit, head.runends | bit);
        self.set_slot(quotient, content);
    }

    /// Writes a key that takes as many slots as before, one more or one fewer, of two at most, if all that moves for
    /// it is in the home block; otherwise nothing has changed.
    #[inline(always)]
    pub(crate) fn rewrite_near<K: Key, C: Cpu>(
        &mut self,
        quotient: usize,
        home: &Home,
        near: &NearFound,
        key: &Spelling<K>,
        length: usize,
    ) -> bool {
        let (taken, slot_bits) = (near.taken as usize, self.slot_bits());
        let slot = quotient / 64 * 64 + near.slot as usize;
        if length + 1 == taken {
            let removed = self.remove_near::<C, K>(quotient, home, near);
            if removed && length == 1 {
                self.set_slot(slot, key.first);
            }
            return removed;
        }
        if length > 2 || length.wrapping_sub(taken) > 1 {
            return false;
        }
        if length > taken {
            if !self.insert_near::<K, C>(quotient, home, near, key.slot(taken, slot_bits)) {
                return false;
            }
        } else if length == 2 {
            self.set_slot(slot + 1, key.slot(1, slot_bits));
        }
        if taken > 0 {
            self.set_slot(slot, key.first);
        }
        true
    }

    /// Puts a slot into a run, behind those that a key takes already.
    #[inline(always)]
    fn insert_near<K: Key, C: Cpu>(
        &mut self,
        quotient: usize,
        home: &Home,
        near: &NearFound,
        content: K,
    ) -> bool {
        let Home { head, slot: home, .. } = *home;
        let (at, end) = (near.slot + near.taken, near.begin + near.length);
        // The first free slot: see `first_free`.
        let (mut counted, mut free) = (home, end);
        loop {
            if free >= 64 {
                return false;
            }
            let pushed = head.occupieds & u64::MAX >> (63 - free) & !(u64::MAX >> (63 - counted));
            if pushed == 0 {
                break;
            }
            let next = free + C::select(head.runends >> free, C::ones(pushed) - 1) + 1;
            (counted, free) = (free, next);
        }
        // Whether there is no run yet, and whether there is one that becomes longer at its end.
        let (fresh, appended) = (u64::from(near.length == 0), u64::from((near.length > 0) & (at == end)));
        let moving = !(u64::MAX << free) & u64::MAX << at;
        let moved = head.runends & !moving | (head.runends & moving) << 1;
        let runends = (moved | (fresh | appended) << at) & !(appended << at >> 1);
        self.set_bitmaps(quotient / 64, head.occupieds | 1 << home, runends);
        self.open_slot(quotient / 64, at, free, content);
        true
    }

    /// Takes the last slot of a key out of its run.
    #[inline(always)]
    fn remove_near<C: Cpu, K: Key>(&mut self, quotient: usize, home: &Home, near: &NearFound) -> bool {
        let Home { head, slot: home, .. } = *home;
        let (at, end) = (near.slot + near.taken - 1, near.begin + near.length);
        // The first slot that need not move: see `shift_limit`.
        let (mut counted, mut limit) = (home, end);
        loop {
            let pushed = head.occupieds & u64::MAX >> (64 - limit) & !(u64::MAX >> (63 - counted));
            if pushed == 0 {
                break;
            }
            if limit == 64 {
                return false;
            }
            let next = limit + C::select(head.runends >> limit, C::ones(pushed) - 1) + 1;
            if next > 64 {
                return false;
            }
            (counted, limit) = (limit - 1, next);
        }
        // Whether the run was this slot alone, and whether it ended with it.
        let (alone, last) = (u64::from(near.length == 1), u64::from((near.length > 1) & (at + 1 == end)));
        let moving = u64::MAX >> (64 - limit) & u64::MAX << at;
        let moved = head.runends & !moving | (head.runends & moving & !(1 << at)) >> 1;
        let occupieds = head.occupieds & !(alone << home);
        self.set_bitmaps(quotient / 64, occupieds, moved | last << at >> 1);
        self.close_slot::<K>(quotient / 64, at + 1, limit);
        true
    }
}
