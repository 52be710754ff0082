//! A merge that was picked, and why.

use std::fmt;

/// A merge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// The layers' ids, newest first.
    pub inputs: Vec<u64>,
    /// The level the output goes to.
    pub target_level: u32,
    /// Whether the layers can change their level as they are, because nothing there shares a key with them.
    pub is_move: bool,
    /// Why.
    pub reason: MergeReason,
}

/// Why a merge is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeReason {
    /// A level has as many runs as it may.
    TooManyRuns {
        /// The level.
        level: u32,
        /// How many runs it has.
        runs: usize,
        /// How many start a merge.
        limit: usize,
    },
    /// A level is larger than it may be.
    TooLarge {
        /// The level.
        level: u32,
        /// Its size.
        bytes: u64,
        /// The size that starts a merge.
        limit: u64,
    },
    /// Level 0 has many runs, but is too small to be worth rewriting level 1 (or level 1 is busy): some of it
    /// becomes one run of level 0.
    Consolidate {
        /// How many runs level 0 has.
        runs: usize,
    },
    /// Many entries of a layer only delete others.
    ManyDeletes {
        /// The layer's level.
        level: u32,
        /// How many deletes it has.
        deletes: u64,
        /// How many entries.
        entries: u64,
    },
    /// A layer has held deletes for long.
    OldDeletes {
        /// The layer's level.
        level: u32,
        /// How many deletes it has.
        deletes: u64,
        /// How old it is.
        seconds: u64,
    },
    /// A layer is old.
    Old {
        /// The layer's level.
        level: u32,
        /// How old it is.
        seconds: u64,
    },
    /// Much of what a layer holds has become void.
    Outdated {
        /// The layer's level.
        level: u32,
    },
    /// Reads have paid for layers that are not merged, as much as the merge costs or the share of it that
    /// [`Upkeep::read_percent`](super::Upkeep::read_percent) says. In bytes that a merge reads or writes in the same
    /// time.
    PaidByReads {
        /// What they paid.
        paid: u64,
        /// What the merge costs.
        price: u64,
    },
    /// Newer layers delete all that a layer holds: it goes without being read.
    Hidden,
    /// Someone asked for it.
    Requested,
}

impl fmt::Display for MergeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MergeReason::TooManyRuns { level, runs, limit } => {
                write!(f, "level {level} has {runs} runs, a merge is due at {limit}")
            }
            MergeReason::TooLarge { level, bytes, limit } => {
                write!(f, "level {level} has {bytes} bytes, a merge is due at {limit}")
            }
            MergeReason::Consolidate { runs } => {
                write!(f, "level 0 has {runs} small runs, which become fewer")
            }
            MergeReason::ManyDeletes { level, deletes, entries } => {
                write!(f, "a layer of level {level} has {deletes} deletes among {entries} entries")
            }
            MergeReason::OldDeletes { level, deletes, seconds } => {
                write!(f, "a layer of level {level} has kept {deletes} deletes for {seconds} s")
            }
            MergeReason::Old { level, seconds } => {
                write!(f, "a layer of level {level} is {seconds} s old")
            }
            MergeReason::Outdated { level } => {
                write!(f, "much of what a layer of level {level} holds has become void")
            }
            MergeReason::PaidByReads { paid, price } => {
                write!(f, "reads have paid the work of {paid} bytes, the merge takes that of {price}")
            }
            MergeReason::Hidden => write!(f, "newer layers delete all that these hold"),
            MergeReason::Requested => write!(f, "it was asked for"),
        }
    }
}
