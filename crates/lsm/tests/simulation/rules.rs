//! What the keyspaces of a history have of rules: which merges operands, whose entries expire, which is filtered; and
//! what the model makes of that.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stroma_lsm::{
    Candidate, CompactionFilter, Decision, KeyspaceOptions, MergeError, MergeOperator, Options,
};
use stroma_strata::runtime::{Clock, ManualClock, SystemClock};

use crate::model::{Bytes, NAMES};
use crate::random::Random;

/// What is special about a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// It has [`AppendShort`].
    Merging,
    /// What is put expires after [`LIVES`].
    Living,
    /// It has [`ByFirstByte`].
    Filtered,
}

const ROLES: [Role; 4] = [Role::Plain, Role::Merging, Role::Living, Role::Filtered];

/// How long entries of a [`Role::Living`] live, in milliseconds.
pub(crate) const LIVES: u64 = 3000;

/// A value that a [`AppendShort`] made is at most so long, in bytes.
const LONGEST: usize = 600;

/// A filter does not change what is longer, in bytes.
const CHANGED: usize = 4096;

/// Which keyspace of a history has which role; the same in all its lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    turned: usize,
}

impl Rules {
    pub(crate) fn draw(random: &mut Random) -> Rules {
        Rules { turned: random.below(4) as usize }
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
        for name in NAMES {
            let rule = match self.role(name) {
                Role::Plain => continue,
                Role::Merging => KeyspaceOptions::default().merging(AppendShort { combines }),
                Role::Living => KeyspaceOptions::default().living_for(Duration::from_millis(LIVES)),
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

/// Appends operands, and keeps the end of what that gives: their order counts.
struct AppendShort {
    combines: bool,
}

impl MergeOperator for AppendShort {
    fn name(&self) -> &str {
        "append, keep the end"
    }

    fn merge(&self, _: &[u8], base: Option<&[u8]>, operands: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
        Ok(appended(base, operands))
    }

    fn combine(&self, _: &[u8], operands: &[&[u8]]) -> Option<Vec<u8>> {
        self.combines.then(|| appended(None, operands))
    }
}

/// What operands make of a value.
pub(crate) fn appended(base: Option<&[u8]>, operands: &[&[u8]]) -> Vec<u8> {
    let mut value = base.unwrap_or_default().to_vec();
    operands.iter().for_each(|operand| value.extend_from_slice(operand));
    value.split_off(value.len().saturating_sub(LONGEST))
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
