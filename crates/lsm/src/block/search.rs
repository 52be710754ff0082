//! Finding a key's version in a block without building any key.
//!
//! 1. Binary search over the restart points, whose keys are stored whole, for the last one not after the
//!    target; where there are many of them, from where it would be if they were even (see [`super::interpolation`]).
//! 2. From there entry by entry, knowing only how many bytes the previous key and the target have in common
//!    (`matched`; the previous key is less than the target or an earlier version of it). If an entry shares
//!    more than that with the previous key, it stands to the target as the previous key does. If it shares
//!    less, it left the previous key below the place where that left the target, so it is greater. Only if it
//!    shares exactly that much must its suffix be compared with the target's.

use std::cmp::Ordering;

use super::builder::common_prefix;
use super::view::{BlockView, Damage, StoredEntry};
use crate::entry::{EntryRef, Sequence, compare};

/// Restart points from which on the first is guessed. With fewer it is no quicker; see decision 031.
const GUESS_FROM: usize = 256;

impl<'a> BlockView<'a> {
    /// The index of the last restart point whose entry is before `(key, sequence)`, or 0.
    pub(super) fn restart_before(self, key: &[u8], sequence: Sequence) -> Result<usize, Damage> {
        if self.restart_count() >= GUESS_FROM {
            return self.restart_by_guess(key, sequence);
        }
        self.restart_between(0, self.restart_count(), key, sequence)
    }

    /// The same among those from `low` on and below `high`, when `low` is 0 or before `(key, sequence)`.
    pub(super) fn restart_between(
        self,
        mut low: usize,
        mut high: usize,
        key: &[u8],
        sequence: Sequence,
    ) -> Result<usize, Damage> {
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let entry = self.restart_entry(middle)?;
            match compare((entry.suffix, entry.sequence), (key, sequence)) {
                Ordering::Less => low = middle,
                Ordering::Equal | Ordering::Greater => high = middle,
            }
        }
        Ok(low)
    }

    /// The first entry at or after `(key, sequence)`, if it is a version of `key`: the newest version that a
    /// reader at `sequence` sees.
    pub(crate) fn find<'k>(self, key: &'k [u8], sequence: Sequence) -> Result<Option<EntryRef<'k>>, Damage>
    where
        'a: 'k,
    {
        let mut at = self.restart(self.restart_before(key, sequence)?);
        let mut matched = 0;
        while at < self.end() {
            let entry = self.entry(at)?;
            match compare_key(&entry, key, &mut matched) {
                Ordering::Greater => return Ok(None),
                Ordering::Equal if entry.sequence <= sequence => {
                    let StoredEntry { sequence, kind, value, .. } = entry;
                    return Ok(Some(EntryRef { user_key: key, sequence, kind, value }));
                }
                Ordering::Equal | Ordering::Less => at = entry.end,
            }
        }
        Ok(None)
    }
}

/// How an entry's key stands to `key`; `matched` is as the module describes, and is brought up to date.
#[inline]
fn compare_key(entry: &StoredEntry<'_>, key: &[u8], matched: &mut usize) -> Ordering {
    if entry.shared == 0 {
        // A restart point, which leaves out nothing even where it could.
        *matched = 0;
    }
    match entry.shared.cmp(matched) {
        Ordering::Less => return Ordering::Greater,
        Ordering::Greater => return Ordering::Less,
        Ordering::Equal => {}
    }
    let rest = &key[*matched..];
    let common = common_prefix(entry.suffix, rest);
    *matched += common;
    entry.suffix.get(common).cmp(&rest.get(common))
}
