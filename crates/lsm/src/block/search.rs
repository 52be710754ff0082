//! Finding a key's version in a block without building any key.
//!
//! A point read asks the tags, which tell which entries the target may be: versions of a key lie next to each other,
//! newest first, and have one tag. Of the up to three entries between the restart point before such an entry and itself
//! only the lengths are decoded; the key is compared from its end, with the bytes that its entry has, and those that it
//! shares with the bytes of the entries that have them.
//!
//! In a block of many entries too many would have the tag of another key. There, and for cursors:
//!
//! 1. A binary search over the restart points, whose keys are stored whole, for the last one not after the target;
//!    where there are very many, from where it would be if they were even (see [`super::interpolation`]).
//! 2. From there entry by entry, knowing only how many bytes the previous key and the target have in common
//!    (`matched`; the previous key is less than the target or an earlier version of it). If an entry shares
//!    more than that with the previous key, it stands to the target as the previous key does. If it shares
//!    less, it left the previous key below the place where that left the target, so it is greater. Only if it
//!    shares exactly that much must its suffix be compared with the target's.

use std::cmp::Ordering;

use stroma_hybrid::{prefetch, prefetch_line};

use super::builder::{RESTART_INTERVAL, common_prefix};
use super::tags::{self, tag_of};
use super::view::{BlockView, Damage, Part, StoredEntry};
use crate::entry::{EntryRef, Sequence, compare};

/// Restart points from which on the first is guessed. With fewer it is no quicker; see decision 031.
const GUESS_FROM: usize = 256;
/// The keys of so many restart points are asked for ahead.
const MOST_RESTARTS_PREFETCHED: usize = 16;
/// So many bytes of entries are asked for ahead.
const MOST_PREFETCHED: usize = 1024;
/// With more entries tags are not asked: one in 256 is another key's.
const MOST_TAGS: usize = 128;

impl<'a> BlockView<'a> {
    /// Asks for the keys of all restart points, if they are few: a search waits once for them, not at each step.
    #[inline]
    pub(super) fn prefetch_restarts(self) {
        if self.restart_count() <= MOST_RESTARTS_PREFETCHED {
            (0..self.restart_count())
                .for_each(|index| prefetch_line(self.bytes(self.restart(index)..self.end())));
        }
    }

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
            return self.walk(from, key, sequence);
        }
        for place in tags::places(self.tags(), tag_of(hash)) {
            if let Some(StoredEntry { sequence, kind, value, .. }) = self.version_at(place, key, sequence)? {
                return Ok(Some(EntryRef { user_key: key, sequence, kind, value }));
            }
        }
        Ok(None)
    }

    /// The entry at `place` of the block's, if it is a version of `key` that a reader at `sequence` sees.
    #[inline]
    fn version_at(
        self,
        place: usize,
        key: &[u8],
        sequence: Sequence,
    ) -> Result<Option<StoredEntry<'a>>, Damage> {
        let mut before = [Part::default(); RESTART_INTERVAL - 1];
        let before = &mut before[..place % RESTART_INTERVAL];
        let mut at = self.restart(place / RESTART_INTERVAL);
        self.prefetch_group(place / RESTART_INTERVAL, at);
        for part in before.iter_mut() {
            (*part, at) = self.part(at)?;
        }
        let entry = self.entry(at)?;
        let own = Part { shared: entry.shared, suffix: entry.suffix };
        let is_sought = entry.sequence <= sequence && own.ends_key(key, before);
        Ok(is_sought.then_some(entry))
    }

    /// Asks for all of a group, the first entry of which is at `at`: where each of the others is, only the one before
    /// tells, and that would be a wait for memory each.
    #[inline]
    fn prefetch_group(self, group: usize, at: usize) {
        let until = if group + 1 < self.restart_count() { self.restart(group + 1) } else { self.end() };
        prefetch(self.bytes(at..until.min(at.saturating_add(MOST_PREFETCHED))));
    }

    /// From the restart point at `at` on, entry by entry.
    fn walk<'k>(
        self,
        mut at: usize,
        key: &'k [u8],
        sequence: Sequence,
    ) -> Result<Option<EntryRef<'k>>, Damage>
    where
        'a: 'k,
    {
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

impl Part<'_> {
    /// Whether the key of this entry is `key`. `before` are the entries from the restart point before it on.
    #[inline]
    fn ends_key(self, key: &[u8], before: &[Part<'_>]) -> bool {
        let Some((mut shared, rest)) = key.split_at_checked(self.shared) else { return false };
        if rest != self.suffix {
            return false;
        }
        for part in before.iter().rev() {
            // What an entry does not have itself, one before it has.
            let Some((start, own)) = shared.split_at_checked(part.shared) else { continue };
            if !part.suffix.starts_with(own) {
                return false;
            }
            shared = start;
        }
        shared.is_empty()
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
