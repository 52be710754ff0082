//! Finding a key's version in a block without building any key.
//!
//! 1. The tags tell between which restart points the target may be. In a block of many entries too many would: there
//!    it is a binary search over the restart points, whose keys are stored whole, for the last one not after the
//!    target; where there are very many, from where it would be if they were even (see [`super::interpolation`]).
//! 2. From there entry by entry, knowing only how many bytes the previous key and the target have in common
//!    (`matched`; the previous key is less than the target or an earlier version of it). If an entry shares
//!    more than that with the previous key, it stands to the target as the previous key does. If it shares
//!    less, it left the previous key below the place where that left the target, so it is greater. Only if it
//!    shares exactly that much must its suffix be compared with the target's.

use std::cmp::Ordering;
use std::ops::Range;

use super::builder::{RESTART_INTERVAL, common_prefix};
use super::tags::{self, tag_of};
use super::view::{BlockView, Damage, StoredEntry};
use crate::entry::{EntryRef, Sequence, compare};

/// Restart points from which on the first is guessed. With fewer it is no quicker; see decision 031.
const GUESS_FROM: usize = 256;
/// With more entries tags are not asked: one in 256 is another key's.
const MOST_TAGS: usize = 128;

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
    /// reader at `sequence` sees. `hash` is the [`key_hash`](crate::filter::key_hash) of `key`.
    pub(crate) fn find<'k>(
        self,
        key: &'k [u8],
        hash: u64,
        sequence: Sequence,
    ) -> Result<Option<EntryRef<'k>>, Damage>
    where
        'a: 'k,
    {
        if self.tags().len() > MOST_TAGS {
            let from = self.restart(self.restart_before(key, sequence)?);
            return Ok(self.walk(from..self.end(), key, sequence)?.found());
        }
        let mut next = 0;
        for place in tags::places(self.tags(), tag_of(hash)) {
            let group = place / RESTART_INTERVAL;
            if group < next {
                continue;
            }
            next = group + 1;
            let until = if next < self.restart_count() { self.restart(next) } else { self.end() };
            match self.walk(self.restart(group)..until, key, sequence)? {
                // Its tag is that of another key. Where the key itself is, is another place.
                Walked::Before => {}
                walked => return Ok(walked.found()),
            }
        }
        Ok(None)
    }

    /// The same among the entries in `places`, which begin with a restart point.
    fn walk<'k>(self, places: Range<usize>, key: &'k [u8], sequence: Sequence) -> Result<Walked<'k>, Damage>
    where
        'a: 'k,
    {
        let (mut at, end) = (places.start, places.end.min(self.end()));
        let mut matched = 0;
        while at < end {
            let entry = self.entry(at)?;
            match compare_key(&entry, key, &mut matched) {
                Ordering::Greater => return Ok(Walked::Beyond),
                Ordering::Equal if entry.sequence <= sequence => {
                    let StoredEntry { sequence, kind, value, .. } = entry;
                    return Ok(Walked::Found(EntryRef { user_key: key, sequence, kind, value }));
                }
                Ordering::Equal | Ordering::Less => at = entry.end,
            }
        }
        Ok(Walked::Before)
    }
}

/// How a walk over entries ended.
enum Walked<'k> {
    /// All are before what is sought.
    Before,
    Found(EntryRef<'k>),
    /// At an entry that is after the sought key.
    Beyond,
}

impl<'k> Walked<'k> {
    fn found(self) -> Option<EntryRef<'k>> {
        match self {
            Walked::Found(entry) => Some(entry),
            Walked::Before | Walked::Beyond => None,
        }
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
