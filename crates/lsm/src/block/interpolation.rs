//! Finding a restart point by a guess, where there are many of them.
//!
//! The keys of the restart points, as numbers, are taken to lie on the straight line between the first and the last;
//! from where the sought key would be, steps of doubling length find the two restart points it is between. On even keys
//! that reads four entries, however many there are; on others a few more than halving does.

use std::cmp::Ordering;

use super::builder::common_prefix;
use super::view::{BlockView, Damage};
use crate::entry::{Sequence, compare};

impl BlockView<'_> {
    /// As [`restart_before`](Self::restart_before).
    pub(super) fn restart_by_guess(self, key: &[u8], sequence: Sequence) -> Result<usize, Damage> {
        let last = self.restart_count() - 1;
        let is_before = |index: usize| -> Result<bool, Damage> {
            let entry = self.restart_entry(index)?;
            Ok(compare((entry.suffix, entry.sequence), (key, sequence)) == Ordering::Less)
        };
        let guess = self.guess(key)?;
        let (mut low, mut high, mut step) = (guess, guess, 1);
        if guess == 0 || is_before(guess)? {
            loop {
                high = low + step;
                if high > last || !is_before(high)? {
                    break;
                }
                (low, step) = (high, step * 2);
            }
            high = high.min(last + 1);
        } else {
            loop {
                low = high.saturating_sub(step);
                if low == 0 || is_before(low)? {
                    break;
                }
                (high, step) = (low, step * 2);
            }
        }
        self.restart_between(low, high, key, sequence)
    }

    /// Where the key would stand if the restart points' keys lay on a straight line.
    fn guess(self, key: &[u8]) -> Result<usize, Damage> {
        let last = self.restart_count() - 1;
        let (first_key, last_key) = (self.restart_entry(0)?.suffix, self.restart_entry(last)?.suffix);
        let shared = common_prefix(first_key, last_key);
        let head = |key: &[u8]| {
            let mut head = [0; 8];
            let rest = key.get(shared..).unwrap_or_default();
            let taken = rest.len().min(8);
            head[..taken].copy_from_slice(&rest[..taken]);
            u64::from_be_bytes(head)
        };
        // A key without the prefix is before or after all of them; either guess is right after a few steps.
        let (least, most, sought) = (head(first_key), head(last_key), head(key));
        let span = (most.saturating_sub(least)).max(1) as f64;
        let place = sought.saturating_sub(least) as f64 / span * last as f64;
        Ok((place as usize).min(last))
    }
}
