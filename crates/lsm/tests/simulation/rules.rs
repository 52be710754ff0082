//! What the keyspaces of a history have of rules: which merges operands, whose entries expire, which is filtered; and
//! what the model makes of that.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stroma_lsm::{Candidate, CompactionFilter, Decision, KeyspaceOptions, Options};
use stroma_strata::runtime::{Clock, ManualClock, SystemClock};

use crate::append::Append;
use crate::model::{Bytes, NAMES};
use crate::random::{Random, mix};
use crate::sums::rounded_expiry;

/// What is special about a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// It has [`APPEND_SHORT`], and in every second history a time to live as well.
    Merging,
    /// What is put expires after [`LIVES`].
    Living,
    /// It has [`ByFirstByte`].
    Filtered,
}

const ROLES: [Role; 4] = [Role::Plain, Role::Merging, Role::Living, Role::Filtered];

/// How long entries of a [`Role::Living`] live, in milliseconds.
pub(crate) const LIVES: u64 = 3000;

/// Appends operands, and keeps the end of what that gives: their order counts, and values stay short.
pub(crate) const APPEND_SHORT: Append = Append::APART.keeping(LONGEST);
const LONGEST: usize = 600;

/// A filter does not change what is longer, in bytes.
const CHANGED: usize = 4096;

/// Which keyspace of a history has which role; the same in all its lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    turned: usize,
    /// Whether what is put, or merged, where operands are merged lives no longer than [`LIVES`].
    merged_live: bool,
}

impl Rules {
    pub(crate) fn draw(random: &mut Random) -> Rules {
        // Drawn apart, so that the draws of a seed stay what they were.
        let merged_live = mix(random.0).is_multiple_of(2);
        Rules { turned: random.below(4) as usize, merged_live }
    }

    /// When what is written at `now` expires, if it is to live for `after` milliseconds, or has no time of its own.
    pub(crate) fn expiry(self, name: &str, now: u64, after: Option<u64>) -> Option<u64> {
        let role = self.role(name);
        let lives = role == Role::Living || role == Role::Merging && self.merged_live;
        let after = after.or(lives.then_some(LIVES))?;
        Some(if role == Role::Merging { rounded_expiry(now, after) } else { now + after })
    }

    pub(crate) fn role(self, name: &str) -> Role {
        let number = NAMES.iter().position(|other| *other == name).unwrap_or_default();
        ROLES[(number + self.turned) % ROLES.len()]
    }

    /// A value as the model has it: what a filter will do to it some time counts as done. `None` if that is to remove
    /// it.
    pub(crate) fn settled(self, name: &str, value: &[u8]) -> Option<Bytes> {
        let is_filtered = self.role(name) == Role::Filtered;
        if is_filtered { filtered(value).map(Bytes::from) } else { Some(Bytes::from(value)) }
    }

    /// The options with these rules and that clock.
    pub(crate) fn apply(self, mut options: Options, combines: bool, clock: Arc<dyn Clock>) -> Options {
        let lives = Duration::from_millis(LIVES);
        for name in NAMES {
            let rule = match self.role(name) {
                Role::Plain => continue,
                Role::Merging => {
                    let operator = Append::combining(combines).keeping(LONGEST);
                    let merging = KeyspaceOptions::default().merging(operator);
                    if self.merged_live { merging.living_for(lives) } else { merging }
                }
                Role::Living => KeyspaceOptions::default().living_for(lives),
                Role::Filtered => KeyspaceOptions::default().filtering(ByFirstByte),
            };
            options = options.with_keyspace(name, rule);
        }
        Options { clock, ..options }
    }
}

/// The calendar of a history in milliseconds.
pub(crate) fn milliseconds(clock: &dyn Clock) -> u64 {
    clock.wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A calendar that is moved by hand, and a clock that goes by itself: threads wait by that one.
#[derive(Debug)]
pub(crate) struct TickingClock {
    pub(crate) calendar: Arc<ManualClock>,
    pub(crate) ticking: SystemClock,
}

impl Clock for TickingClock {
    fn now(&self) -> Duration {
        self.ticking.now()
    }

    fn wall(&self) -> SystemTime {
        self.calendar.wall()
    }
}

/// Decides by the last bits of the first byte of a value.
struct ByFirstByte;

impl CompactionFilter for ByFirstByte {
    fn decide(&self, entry: &Candidate<'_>) -> Decision {
        // What cannot be read now is asked about again.
        let Ok(value) = entry.value() else { return Decision::Keep };
        match filtered(&value) {
            None => Decision::Remove,
            Some(after) if *after == *value => Decision::Keep,
            Some(after) => Decision::Change(after),
        }
    }
}

/// What [`ByFirstByte`] makes of a value; asked again it changes nothing any more.
fn filtered(value: &[u8]) -> Option<Vec<u8>> {
    match value.split_first() {
        Some((first, _)) if first % 8 == 5 => None,
        Some((first, rest)) if first % 8 == 3 && value.len() <= CHANGED => {
            Some([&[first - 3], rest, rest].concat())
        }
        _ => Some(value.to_vec()),
    }
}
