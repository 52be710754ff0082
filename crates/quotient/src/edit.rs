//! Putting one slot into a run and taking one out, the rest of the cluster moving aside.

use crate::blocks::Blocks;

impl Blocks {
    /// Puts a slot into the run of `quotient` at `at`, which lies in the run or at its end (or, if there is no run, where it
    /// would begin). Returns whether there was a free slot to shift into; if not, nothing has changed.
    pub(crate) fn insert_slot(&mut self, quotient: usize, at: usize, value: u64, extension: bool) -> bool {
        let Some(free) = self.first_free(quotient.max(at)) else { return false };
        let occupied = self.is_occupied(quotient);
        let appended = occupied && self.run_end(self.run_start(quotient)) == at;
        self.shift_up(at, free);
        self.write(at, value, extension);
        self.set_runend(at, !occupied || appended);
        if appended {
            self.set_runend(at - 1, false);
        }
        self.set_occupied(quotient, true);
        self.refresh_offsets(quotient / 64, free / 64);
        true
    }

    /// Takes slot `at` out of the run of `quotient`.
    pub(crate) fn remove_slot(&mut self, quotient: usize, at: usize) {
        let start = self.run_start(quotient);
        let end = self.run_end(start);
        let limit = self.shift_limit(end);
        if end - start == 1 {
            self.set_occupied(quotient, false);
        } else if at + 1 == end {
            self.set_runend(at - 1, true);
        }
        self.shift_down(at + 1, limit);
        self.refresh_offsets(quotient / 64, (limit - 1) / 64);
    }
}
