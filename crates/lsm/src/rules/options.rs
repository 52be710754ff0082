//! What callers may say of one keyspace when they open a database.

use std::fmt;
use std::sync::Arc;

use super::MergeOperator;

/// How one keyspace behaves; see [`Options::keyspaces`](crate::Options::keyspaces).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct KeyspaceOptions {
    /// What merges the operands of [`Keyspace::merge`](crate::Keyspace::merge).
    pub merge_operator: Option<Arc<dyn MergeOperator>>,
}

impl KeyspaceOptions {
    /// The same with a merge operator.
    #[must_use]
    pub fn merging(self, operator: impl MergeOperator) -> Self {
        KeyspaceOptions { merge_operator: Some(Arc::new(operator)), ..self }
    }

    /// The name of its operator; empty if it has none.
    pub(crate) fn operator_name(&self) -> &str {
        self.merge_operator.as_ref().map_or("", |operator| operator.name())
    }
}

impl fmt::Debug for KeyspaceOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyspaceOptions").field("merge_operator", &self.operator_name()).finish()
    }
}
