//! Databases so small that a few dozen operations flush and merge, and what is in them.
#![allow(dead_code, reason = "who includes this uses a part of it")]

use std::collections::BTreeMap;

use stroma_lsm::{Database, Error, Options, Range};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;

/// Keys and values.
pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Tables of so many bytes in four levels, the first of which is full with two, and no threads.
pub(crate) fn small(table_bytes: u64) -> Options {
    let limits = Limits {
        level0_runs: 2,
        level1_bytes: 2 * table_bytes,
        multiplier: 2,
        deepest_level: 3,
        table_bytes,
    };
    Options {
        background_threads: 0,
        merge_policy: MergePolicy::TieredThenLevelled(limits),
        ..Options::default()
    }
}

/// What a scan finds.
pub(crate) fn collect(range: Range) -> Result<Map, Error> {
    range.map(|entry| entry.map(|(key, value)| (key, value.into_vec()))).collect()
}

/// What is in each keyspace.
pub(crate) fn contents(database: &Database) -> Result<BTreeMap<String, Map>, Error> {
    let read = |name: String| {
        let map = collect(database.keyspace(&name)?.iter())?;
        Ok((name, map))
    };
    database.keyspaces().into_iter().map(read).collect()
}
