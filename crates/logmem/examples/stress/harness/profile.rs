//! What the values of a round are like. Rounds differ, since memory fragments when sizes change.

use super::random::Random;
use super::settings::Settings;
use super::value::VALUE_HEAD;

/// Bytes that an entry costs beside its value, roughly: key, header, index.
const ENTRY_BYTES: usize = 40;
/// The most bytes of values a pool is filled with, in percent.
const FILL_PERCENT: usize = 60;

/// The sizes of a round's values and the share of its steps that remove.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    shortest: usize,
    longest: usize,
    /// One value in so many is longer than a segment; 0 for none.
    long_one_in: u64,
    long_bytes: usize,
    /// One write in so many removes.
    pub(crate) remove_one_in: u64,
}

impl Profile {
    /// How many there are.
    pub(crate) const KINDS: u64 = 5;

    /// The profile of a round.
    pub(crate) fn of_round(round: u64, settings: &Settings) -> Profile {
        let (name, shortest, longest, long_one_in, remove_one_in) = match round % Self::KINDS {
            0 => ("short values", 24, 120, 0, 8),
            1 => ("values of a few hundred bytes", 100, 400, 0, 8),
            2 => ("mixed values, some longer than a segment", 24, 600, 500, 6),
            3 => ("many removals", 24, 200, 0, 2),
            _ => ("long values", settings.segment_bytes / 16, settings.segment_bytes / 5, 0, 8),
        };
        let long_bytes = settings.segment_bytes + settings.segment_bytes / 4;
        Profile { name, shortest, longest, long_one_in, long_bytes, remove_one_in }
    }

    /// How many keys are in use, so that their values fill the pool as far as they should.
    pub(crate) fn active_keys(&self, settings: &Settings) -> u64 {
        let long = if self.long_one_in == 0 { 0 } else { self.long_bytes / self.long_one_in as usize };
        let mean = (self.shortest + self.longest) / 2 + long + ENTRY_BYTES;
        (settings.capacity_bytes / 100 * FILL_PERCENT / mean).max(settings.threads as usize) as u64
    }

    /// The most keys that any profile uses.
    pub(crate) fn most_keys(settings: &Settings) -> u64 {
        (settings.capacity_bytes / 100 * FILL_PERCENT / (VALUE_HEAD + ENTRY_BYTES)) as u64 + settings.threads
    }

    /// The length of a new value.
    pub(crate) fn length(&self, random: &mut Random) -> usize {
        if self.long_one_in > 0 && random.one_in(self.long_one_in) {
            return self.long_bytes + random.below(self.long_bytes as u64) as usize;
        }
        self.shortest + random.below((self.longest - self.shortest) as u64 + 1) as usize
    }
}
