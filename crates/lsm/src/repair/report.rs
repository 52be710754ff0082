//! What a repair tells.

use crate::entry::Sequence;

/// What was kept of a damaged database, and what could not be. Keys are as they are stored: four bytes for the number
/// of the keyspace, then the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// Keys with their values in the new database, its catalog of keyspaces included.
    pub entries: u64,
    /// The last sequence that was found.
    pub last_sequence: Sequence,
    /// Tables that were read, wholly or in part.
    pub tables: usize,
    /// Commits that were read from the log.
    pub log_records: u64,
    /// Blobs of the manifest that are damaged or missing, each with what is wrong. If there are any, every table there
    /// was read, also such as may not have belonged to the database any more.
    pub manifest: Vec<(String, String)>,
    /// Tables that could not be read at all.
    pub lost_tables: Vec<LostTable>,
    /// Blocks of tables that could not be read.
    pub lost_parts: Vec<LostPart>,
    /// Values in value files that could not be read; their keys are gone.
    pub lost_values: Vec<LostValue>,
    /// Parts of the log that could not be read.
    pub lost_log: Vec<LostLog>,
    /// Keyspaces whose names were lost, ascending by number: their entries are kept, under these names.
    pub renamed_keyspaces: Vec<RenamedKeyspace>,
}

/// A keyspace whose name was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenamedKeyspace {
    /// The number that stands in front of its keys.
    pub number: u32,
    /// The name that its entries are kept under: the one the caller knew for this number, else `recovered-` and the
    /// number.
    pub name: String,
}

/// A table that could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostTable {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
    /// Its smallest and largest key, if the manifest tells.
    pub keys: Option<(Vec<u8>, Vec<u8>)>,
    /// How many entries it had, if the manifest tells.
    pub entries: Option<u64>,
}

/// Blocks of a table that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostPart {
    /// The table.
    pub file: String,
    /// What is wrong with the first of them.
    pub what: String,
    /// How many blocks, one after the other.
    pub blocks: usize,
    /// The last key before them that could be read; none if they are the first.
    pub after: Option<Vec<u8>>,
    /// The first key behind them; none if they are the last.
    pub before: Option<Vec<u8>>,
}

/// A value that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostValue {
    /// Its key.
    pub key: Vec<u8>,
    /// What is wrong.
    pub what: String,
}

/// A part of the log that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostLog {
    /// The segment.
    pub file: String,
    /// Where in it what could be read ends, in bytes.
    pub offset: u64,
    /// Bytes left out.
    pub bytes: u64,
    /// What is wrong.
    pub what: String,
}

impl RepairReport {
    /// Whether nothing was wrong. What a process that was killed leaves at the end of a log counts as well: it cannot
    /// be told from damage to what was written last.
    pub fn is_whole(&self) -> bool {
        self.manifest.is_empty()
            && self.lost_tables.is_empty()
            && self.lost_parts.is_empty()
            && self.lost_values.is_empty()
            && self.lost_log.is_empty()
            && self.renamed_keyspaces.is_empty()
    }

    /// Whether something that was lost may have hidden older values or deleted keys, which are back then.
    pub fn may_have_gone_back(&self) -> bool {
        !(self.manifest.is_empty()
            && self.lost_tables.is_empty()
            && self.lost_parts.is_empty()
            && self.lost_log.is_empty())
    }
}
