//! Putting one slot into a run and taking one out, the rest of the cluster moving aside.

use crate::blocks::Blocks;

/// A slot to be put into a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSlot {
    /// The run's quotient.
    pub(crate) quotient: usize,
    /// Where: in the run, right after it, or where it would begin if there is none.
    pub(crate) at: usize,
    /// The first free slot at or after `at`.
    pub(crate) free: usize,
    /// A remainder or a digit.
    pub(crate) value: u64,
    /// Whether it is a digit.
    pub(crate) extension: bool,
    /// Whether `at` is right after the run.
    pub(crate) appended: bool,
}

impl Blocks {
    /// Puts a slot into a run; O(distance to the free slot / 64 words of each kind).
    pub(crate) fn insert_slot(&mut self, new: NewSlot) {
        let NewSlot { quotient, at, free, value, extension, appended } = new;
        self.shift_up(at, free);
        self.write(at, value, extension);
        self.set_runend(at, appended || !self.is_occupied(quotient));
        if appended {
            self.set_runend(at - 1, false);
        }
        self.set_occupied(quotient, true);
        // What was pushed over the start of a later block, or lay there already, now reaches a slot further.
        self.raise_offsets(quotient / 64, free / 64);
    }

    /// Takes slot `at` out of the run of `quotient`, which begins at `start`.
    pub(crate) fn remove_slot(&mut self, quotient: usize, start: usize, at: usize) {
        let end = self.run_end(start);
        let limit = self.shift_limit(end);
        if end - start == 1 {
            self.set_occupied(quotient, false);
        } else if at + 1 == end {
            self.set_runend(at - 1, true);
        }
        self.shift_down(at + 1, limit);
        self.lower_offsets(quotient / 64, (limit - 1) / 64);
    }
}
