//! What callers may say of one keyspace when they open a database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{CompactionFilter, MergeOperator};
use crate::{Compression, Error};

/// The longest name of an operator.
const MAX_NAME_BYTES: usize = 255;

/// How one keyspace behaves; see [`Options::keyspaces`](crate::Options::keyspaces).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct KeyspaceOptions {
    /// What merges the operands of [`Keyspace::merge`](crate::Keyspace::merge).
    pub merge_operator: Option<Arc<dyn MergeOperator>>,
    /// What merges ask about entries.
    pub compaction_filter: Option<Arc<dyn CompactionFilter>>,
    /// How long after its commit an entry that is put expires: nobody who begins to read then sees it any more, and
    /// merges free its space. Entries keep the time they were given when they were put, or ingested. Operands of a
    /// merge operator live as long, each for itself; see
    /// [`Keyspace::merge_expiring`](crate::Keyspace::merge_expiring), also for how times are rounded then. `None`, the
    /// default, for never.
    pub time_to_live: Option<Duration>,
    /// Values at least this long, in bytes, lie in value files: in place of
    /// [`Options::value_threshold`](crate::Options::value_threshold). Kept with the keyspace, as are the next three:
    /// who opens the database without a word about it leaves it as it is. New tables heed it; what is stored stays as
    /// it is until it is merged.
    pub value_threshold: Option<usize>,
    /// The size at which a block of this keyspace ends, in bytes: in place of
    /// [`Options::block_bytes`](crate::Options::block_bytes).
    pub block_bytes: Option<usize>,
    /// How blocks of this keyspace are compressed, at all levels: in place of
    /// [`Options::compression`](crate::Options::compression) and
    /// [`Options::level_compression`](crate::Options::level_compression). Not with a dictionary that is trained, since
    /// that is a table's, and a table has entries of many keyspaces. A build without the compression that is kept with
    /// a keyspace writes new blocks as the rest of the database.
    pub compression: Option<Compression>,
    /// How its values in value files are compressed, and whether shorter ones are made smaller each by itself: in place
    /// of [`Options::value_compression`](crate::Options::value_compression). Kept with the keyspace like the others.
    pub value_compression: Option<Compression>,
}

impl KeyspaceOptions {
    /// The same with a merge operator.
    #[must_use]
    pub fn merging(self, operator: impl MergeOperator) -> Self {
        KeyspaceOptions { merge_operator: Some(Arc::new(operator)), ..self }
    }

    /// The same with a compaction filter.
    #[must_use]
    pub fn filtering(self, filter: impl CompactionFilter) -> Self {
        KeyspaceOptions { compaction_filter: Some(Arc::new(filter)), ..self }
    }

    /// The same with a time to live.
    #[must_use]
    pub fn living_for(self, time: Duration) -> Self {
        KeyspaceOptions { time_to_live: Some(time), ..self }
    }

    /// The same with values of so many bytes or more in value files; [`usize::MAX`] for none.
    #[must_use]
    pub fn separating(self, value_threshold: usize) -> Self {
        KeyspaceOptions { value_threshold: Some(value_threshold), ..self }
    }

    /// The same with blocks of about this size, in bytes, that are compressed like this.
    #[must_use]
    pub fn packing(self, block_bytes: usize, compression: Compression) -> Self {
        KeyspaceOptions { block_bytes: Some(block_bytes), compression: Some(compression), ..self }
    }

    /// The same with values in value files that are compressed like this.
    #[must_use]
    pub fn packing_values(self, compression: Compression) -> Self {
        KeyspaceOptions { value_compression: Some(compression), ..self }
    }

    /// Refuses what cannot work together.
    pub(crate) fn check(&self, keyspace: &str) -> Result<(), Error> {
        let refuse =
            |what: &str| Err(Error::InvalidOptions { reason: format!("keyspace {keyspace:?}: {what}") });
        if self.compression.is_some_and(Compression::is_trained) {
            return refuse("a dictionary is trained for a table, not for a keyspace");
        }
        if self.value_compression.is_some_and(Compression::is_trained) {
            return refuse("a dictionary is trained for a table, not for values in value files");
        }
        let Some(operator) = &self.merge_operator else { return Ok(()) };
        if operator.name().is_empty() || operator.name().len() > MAX_NAME_BYTES {
            return refuse("the name of a merge operator has 1 to 255 bytes");
        }
        Ok(())
    }

    /// The name of its operator; empty if it has none.
    pub(crate) fn operator_name(&self) -> &str {
        self.merge_operator.as_ref().map_or("", |operator| operator.name())
    }
}

impl fmt::Debug for KeyspaceOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyspaceOptions")
            .field("merge_operator", &self.operator_name())
            .field("has_filter", &self.compaction_filter.is_some())
            .field("time_to_live", &self.time_to_live)
            .field("value_threshold", &self.value_threshold)
            .field("block_bytes", &self.block_bytes)
            .field("compression", &self.compression)
            .field("value_compression", &self.value_compression)
            .finish()
    }
}
