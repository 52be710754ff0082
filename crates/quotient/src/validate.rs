//! Checking slots that came from outside, so that no later call can panic, loop or answer nonsense.

use crate::blocks::{Blocks, SATURATED};
use crate::counter::Digits;
use crate::filter::Totals;
use crate::shape::Division;
use crate::{Error, Key};

fn broken(slot: usize, what: &'static str) -> Error {
    Error::Inconsistent { slot: slot as u64, what }
}

/// Walks all runs and checks that they are exactly what a filter of this shape would hold. O(slots).
pub(crate) fn check<K: Key>(division: &Division, blocks: &Blocks<&[u8]>) -> Result<Totals, Error> {
    let mut walk = Walk { division, blocks, totals: Totals::default(), top: K::ZERO };
    let mut slot = 0usize;
    for block in 0..blocks.count() {
        let offset = u8::try_from(slot.saturating_sub(block * 64)).unwrap_or(SATURATED);
        if blocks.offset_byte(block) != offset {
            return Err(broken(block * 64, "an offset that is not that of the runs before"));
        }
        let mut occupieds = blocks.occupieds(block);
        while occupieds != 0 {
            let quotient = block * 64 + occupieds.trailing_zeros() as usize;
            occupieds &= occupieds - 1;
            walk.check_free(slot, quotient)?;
            slot = walk.check_run(quotient, slot.max(quotient))?;
        }
    }
    walk.check_free(slot, blocks.slots())?;
    Ok(walk.totals)
}

struct Walk<'a, K> {
    division: &'a Division,
    blocks: &'a Blocks<&'a [u8]>,
    totals: Totals,
    /// The remainder of the last key, and all bits of the value set.
    top: K,
}

impl<K: Key> Walk<'_, K> {
    fn check_free(&self, from: usize, to: usize) -> Result<(), Error> {
        for slot in from..to {
            if self.blocks.is_runend(slot) || self.blocks.slot::<K>(slot) != K::ZERO {
                return Err(broken(slot, "a free slot that is not blank"));
            }
        }
        Ok(())
    }

    /// A slot of the run, and whether the run ends in it.
    fn read(&self, slot: usize) -> Result<(K, bool), Error> {
        if slot >= self.blocks.slots() {
            return Err(broken(slot, "a run that does not end"));
        }
        Ok((self.blocks.slot(slot), self.blocks.is_runend(slot)))
    }

    /// Checks the run that begins at `start`; returns the slot after it.
    fn check_run(&mut self, quotient: usize, start: usize) -> Result<usize, Error> {
        let (mut slot, value_bits) = (start, self.division.value_bits);
        let (low, mut first) = (K::mask(value_bits), true);
        loop {
            let (content, _) = self.read(slot)?;
            // Right after a key a slot that does not ascend is part of its count, but not after a count.
            if !std::mem::take(&mut first) && content <= self.top {
                return Err(broken(slot, "remainders that do not ascend"));
            }
            if !self.division.is_key(quotient, content >> value_bits) {
                return Err(broken(slot, "a remainder beyond the last of its quotient"));
            }
            self.top = content | low;
            let (next, ends) = self.check_count(slot)?;
            slot = next;
            if ends {
                return Ok(slot);
            }
        }
    }

    /// Checks the count of the key in `first`; returns the slot after it and whether the run ends there.
    fn check_count(&mut self, first: usize) -> Result<(usize, bool), Error> {
        let (top, mut slot) = (self.top, first);
        let (_, mut ends) = self.read(slot)?;
        let mut count = 1;
        if !ends && self.read(slot + 1)?.0 <= top {
            slot += 1;
            let (head, head_ends) = self.read(slot)?;
            ends = head_ends;
            if head < top {
                count = head.low().checked_add(2).ok_or(broken(first, "a count exceeds 2^64 - 1"))?;
                if K::from(head.low()) != head {
                    return Err(broken(first, "a count exceeds 2^64 - 1"));
                }
            } else {
                let mut digits = Digits::new(self.division.slot_bits);
                let mut more = true;
                while more {
                    if ends {
                        return Err(broken(slot, "a count that does not end"));
                    }
                    slot += 1;
                    let (digit, digit_ends) = self.read(slot)?;
                    (more, ends) = (digits.push(digit), digit_ends);
                }
                count = digits.checked(top).map_err(|what| broken(first, what))?;
            }
        }
        let total = self.totals.total.checked_add(count);
        self.totals.total = total.ok_or(broken(first, "counts that exceed 2^64 - 1"))?;
        self.totals.distinct += 1;
        self.totals.used += (slot + 1 - first) as u64;
        Ok((slot + 1, ends))
    }
}
