//! The rules by which layers are merged.

/// When and how layers are merged; `docs/decisions/004-merge-policies.md` tells what each costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergePolicy {
    /// As soon as a level has `fanout` runs, its oldest `fanout` become one of the next level: the
    /// logarithmic method of Bentley and Saxe ("Decomposable searching problems I", 1980). Every entry is
    /// rewritten once per level; a query looks at up to `fanout - 1` runs in each of the log(n) levels. At
    /// least 2.
    Tiered {
        /// How many runs become one.
        fanout: usize,
    },
    /// Level 0 as it comes; below it each level is one run partitioned by key, `multiplier` times larger than
    /// the one above, counted from the last level, which holds most of the data, upward. The scheme of O'Neil et
    /// al. ("The log-structured merge-tree", 1996) in the form LevelDB gave it.
    TieredThenLevelled(Limits),
}

/// The numbers of [`MergePolicy::TieredThenLevelled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// As many runs in level 0 start a merge. At least 1.
    pub level0_runs: usize,
    /// How large the first level below level 0 may be, in bytes. More data than that begins one level more: the
    /// deepest level holds it, and each one above it may have a share.
    pub level1_bytes: u64,
    /// How many times larger than the one above it each level may become. At least 2.
    pub multiplier: u64,
    /// The deepest level; it grows without limit. At least 1.
    pub deepest_level: u32,
    /// How large a layer should become, in bytes.
    pub table_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            level0_runs: 4,
            level1_bytes: 256 << 20,
            multiplier: 10,
            deepest_level: 6,
            table_bytes: 64 << 20,
        }
    }
}

impl MergePolicy {
    /// How large an output layer should become.
    pub(crate) fn table_bytes(&self) -> u64 {
        match self {
            MergePolicy::Tiered { .. } => u64::MAX,
            MergePolicy::TieredThenLevelled(limits) => limits.table_bytes,
        }
    }
}
