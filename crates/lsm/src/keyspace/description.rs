//! What a caller is told of a keyspace.

use crate::Compression;
use crate::rules::Storing;

/// A keyspace, and what is kept with it: `None` for what is as in the rest of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyspaceDescription {
    /// Its name.
    pub name: String,
    /// The number that stands in front of its keys.
    pub number: u32,
    /// The name of its merge operator.
    pub merge_operator: Option<String>,
    /// From which length on values lie in value files, in bytes.
    pub value_threshold: Option<u64>,
    /// The size at which a block ends, in bytes.
    pub block_bytes: Option<u64>,
    /// How blocks are compressed, if this build knows that compression.
    pub compression: Option<Compression>,
    /// How values in value files are compressed, if this build knows that compression.
    pub value_compression: Option<Compression>,
}

impl KeyspaceDescription {
    pub(super) fn new(name: &str, number: u32, operator: &str, storing: Storing) -> Self {
        KeyspaceDescription {
            name: name.to_owned(),
            number,
            merge_operator: (!operator.is_empty()).then(|| operator.to_owned()),
            value_threshold: storing.value_threshold,
            block_bytes: storing.block_bytes,
            compression: storing.compression(),
            value_compression: storing.value_compression(),
        }
    }

    /// Whether nothing is kept with it.
    pub fn is_usual(&self) -> bool {
        self.merge_operator.is_none()
            && self.value_threshold.is_none()
            && self.block_bytes.is_none()
            && self.compression.is_none()
            && self.value_compression.is_none()
    }
}
