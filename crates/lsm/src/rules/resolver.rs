//! From the versions of a key to its value: what operands make of what is below them.

use std::sync::Arc;

use super::{KeyspaceRules, Rule};
use crate::Error;
use crate::keyspace::PREFIX_BYTES;
use crate::values::{ValueReference, ValueStore};

/// See the module. Shared by readers and by whoever writes tables.
#[derive(Debug)]
pub(crate) struct Resolver {
    rules: Arc<KeyspaceRules>,
    values: Arc<ValueStore>,
}

impl Resolver {
    pub(crate) fn new(rules: Arc<KeyspaceRules>, values: Arc<ValueStore>) -> Self {
        Resolver { rules, values }
    }

    pub(crate) fn rules(&self) -> &KeyspaceRules {
        &self.rules
    }

    /// The value of a stored key that was `base` after `operands`, newest first.
    ///
    /// # Errors
    /// [`Error::NoMergeOperator`]; [`Error::Merge`] if the operator fails.
    pub(crate) fn merge(
        &self,
        stored_key: &[u8],
        base: Option<&[u8]>,
        operands: &[Vec<u8>],
    ) -> Result<Vec<u8>, Error> {
        let none = || Error::NoMergeOperator { keyspace: String::new() };
        let rule = self.rules.of(stored_key).ok_or_else(none)?;
        let operator = rule.operator()?;
        let key = own_key(stored_key);
        let oldest_first: Vec<&[u8]> = operands.iter().rev().map(Vec::as_slice).collect();
        operator.merge(key, base, &oldest_first).map_err(|cause| Error::Merge {
            keyspace: rule.name.clone(),
            key: key.escape_ascii().to_string(),
            operator: operator.name().to_owned(),
            cause: Arc::from(cause),
        })
    }

    /// One operand in the place of `operands`, newest first, if the operator knows one.
    pub(crate) fn combine(&self, stored_key: &[u8], operands: &[Vec<u8>]) -> Option<Vec<u8>> {
        let rule: Arc<Rule> = self.rules.of(stored_key)?;
        let oldest_first: Vec<&[u8]> = operands.iter().rev().map(Vec::as_slice).collect();
        rule.operator().ok()?.combine(own_key(stored_key), &oldest_first)
    }

    /// A value in a value file.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub(crate) fn load(&self, reference: &[u8]) -> Result<Vec<u8>, Error> {
        let reference = ValueReference::decode(reference)?;
        self.values.open(reference.file)?.read(reference)
    }
}

/// The key as callers know it.
fn own_key(stored_key: &[u8]) -> &[u8] {
    stored_key.get(PREFIX_BYTES..).unwrap_or_default()
}
