//! Which keyspace has which rules, for whoever meets an entry and knows its stored key alone.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{KeyspaceOptions, MergeOperator};
use crate::Error;
use crate::keyspace::PREFIX_BYTES;

/// The rules of one keyspace.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// The keyspace's name.
    pub(crate) name: String,
    pub(crate) options: KeyspaceOptions,
}

impl Rule {
    /// The operator.
    ///
    /// # Errors
    /// [`Error::NoMergeOperator`] if there is none.
    pub(crate) fn operator(&self) -> Result<&dyn MergeOperator, Error> {
        match &self.options.merge_operator {
            Some(operator) => Ok(&**operator),
            None => Err(Error::NoMergeOperator { keyspace: self.name.clone() }),
        }
    }
}

/// The rules of the keyspaces that have any. Looked into only where an entry asks for it.
#[derive(Debug, Default)]
pub(crate) struct KeyspaceRules {
    by_number: RwLock<HashMap<u32, Arc<Rule>>>,
}

impl KeyspaceRules {
    /// Sets the rules of keyspace `number`.
    pub(crate) fn set(&self, number: u32, rule: Arc<Rule>) {
        self.by_number.write().insert(number, rule);
    }

    /// The rules for a stored key, if its keyspace has any.
    pub(crate) fn of(&self, stored_key: &[u8]) -> Option<Arc<Rule>> {
        let prefix = stored_key.first_chunk::<PREFIX_BYTES>()?;
        self.by_number.read().get(&u32::from_be_bytes(*prefix)).cloned()
    }
}
