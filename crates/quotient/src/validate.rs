//! Checking slots that came from outside, so that no later call can panic, loop or answer nonsense.

use crate::blocks::Blocks;
use crate::counter::CountReader;
use crate::{Error, Shape};

/// What was counted while checking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) distinct: u64,
    pub(crate) total: u64,
    pub(crate) used: u64,
}

fn broken(slot: usize, what: &'static str) -> Error {
    Error::Inconsistent { slot: slot as u64, what }
}

/// Walks all runs and checks that they are exactly what a filter of this shape would hold. O(slots).
pub(crate) fn check(shape: Shape, blocks: &Blocks) -> Result<Tally, Error> {
    let home_slots = shape.home_slots() as usize;
    let (mut tally, mut slot) = (Tally::default(), 0);
    for block in 0..blocks.count() {
        let mut occupieds = blocks.occupieds(block);
        while occupieds != 0 {
            let quotient = block * 64 + occupieds.trailing_zeros() as usize;
            occupieds &= occupieds - 1;
            if quotient >= home_slots {
                return Err(broken(quotient, "a quotient beyond the last"));
            }
            while slot < quotient {
                check_free(blocks, slot)?;
                slot += 1;
            }
            slot = check_run(shape, blocks, slot, &mut tally)?;
        }
    }
    (slot..blocks.slots()).try_for_each(|slot| check_free(blocks, slot))?;
    Ok(tally)
}

fn check_free(blocks: &Blocks, slot: usize) -> Result<(), Error> {
    if blocks.is_runend(slot) || blocks.is_extension(slot) || blocks.remainder(slot) != 0 {
        return Err(broken(slot, "a free slot that is not blank"));
    }
    Ok(())
}

/// Checks the run that begins at `start`; returns the slot after it.
fn check_run(shape: Shape, blocks: &Blocks, start: usize, tally: &mut Tally) -> Result<usize, Error> {
    let (mut slot, mut previous) = (start, None);
    loop {
        if slot >= blocks.slots() {
            return Err(broken(slot, "a run that does not end"));
        }
        let remainder = blocks.remainder(slot);
        if blocks.is_extension(slot) {
            return Err(broken(slot, "a run that begins with a digit"));
        }
        if previous.is_some_and(|previous| previous >= remainder) {
            return Err(broken(slot, "remainders that do not ascend"));
        }
        previous = Some(remainder);
        let (first, mut reader) = (slot, CountReader::new(shape.remainder_bits));
        while !blocks.is_runend(slot) && slot + 1 < blocks.slots() && blocks.is_extension(slot + 1) {
            slot += 1;
            reader.push(blocks.remainder(slot));
        }
        let count = reader.checked().map_err(|what| broken(first, what))?;
        tally.total = tally.total.checked_add(count).ok_or(broken(first, "counts that exceed 2^64 - 1"))?;
        tally.distinct += 1;
        tally.used += (slot + 1 - first) as u64;
        slot += 1;
        if blocks.is_runend(slot - 1) {
            return Ok(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { quotient_bits: 5, remainder_bits: 8 };

    /// Quotient 3 with remainders 10 (counted 6 times) and 20, then quotient 9 with remainder 1.
    fn sound() -> Blocks {
        let mut blocks = Blocks::new(SHAPE).expect("small");
        for (slot, value, extension) in [(3, 10, false), (4, 5, true), (5, 20, false), (9, 1, false)] {
            blocks.write(slot, value, extension);
        }
        [3, 9].iter().for_each(|quotient| blocks.set_occupied(*quotient, true));
        [5, 9].iter().for_each(|slot| blocks.set_runend(*slot, true));
        blocks
    }

    /// What is said about the slots after a change to sound ones.
    fn said(change: impl FnOnce(&mut Blocks)) -> String {
        let mut blocks = sound();
        change(&mut blocks);
        check(SHAPE, &blocks).map_or_else(|error| error.to_string(), |tally| format!("{tally:?}"))
    }

    #[test]
    fn sound_slots_are_counted() {
        assert_eq!(said(|_| ()), "Tally { distinct: 3, total: 8, used: 4 }");
    }

    #[test]
    fn each_rule_is_enforced() {
        assert_eq!(said(|b| b.write(5, 10, false)), "slot 5: remainders that do not ascend");
        assert_eq!(said(|b| b.set_runend(7, true)), "slot 7: a free slot that is not blank");
        assert_eq!(said(|b| b.set_runend(20, true)), "slot 20: a free slot that is not blank");
        assert_eq!(said(|b| b.write(0, 1, false)), "slot 0: a free slot that is not blank");
        assert_eq!(said(|b| b.write(30, 0, true)), "slot 30: a free slot that is not blank");
        assert_eq!(said(|b| b.set_occupied(40, true)), "slot 40: a quotient beyond the last");
        assert_eq!(said(|b| b.write(3, 10, true)), "slot 3: a run that begins with a digit");
        assert_eq!(said(|b| b.write(4, 0, true)), "slot 3: a count has a superfluous digit");
        assert_eq!(said(|b| b.set_occupied(9, false)), "slot 9: a free slot that is not blank");
        let last = Blocks::new(SHAPE).expect("small").slots();
        let endless = said(|b| {
            b.set_runend(9, false);
            (10..last).for_each(|slot| b.write(slot, slot as u64, false));
        });
        assert_eq!(endless, format!("slot {last}: a run that does not end"));
        let too_much = said(|b| (4..20).for_each(|slot| b.write(slot, 255, true)));
        assert!(too_much.contains("slot"), "{too_much}");
    }
}
