//! From the versions of a key to its value: what operands make of what is below them.

use std::sync::Arc;

use super::{KeyspaceRules, Rule};
use crate::Error;
use crate::entry::{Moment, Sequence};
use crate::keyspace::PREFIX_BYTES;
use crate::snapshot::{FilterTurns, SnapshotRegistry};
use crate::values::{ValueReference, ValueStore};

/// See the module. Shared by readers and by whoever writes tables.
#[derive(Debug)]
pub(crate) struct Resolver {
    rules: KeyspaceRules,
    values: Arc<ValueStore>,
    snapshots: Arc<SnapshotRegistry>,
}

impl Resolver {
    pub(crate) fn new(values: Arc<ValueStore>, snapshots: Arc<SnapshotRegistry>) -> Self {
        Resolver { rules: KeyspaceRules::default(), values, snapshots }
    }

    /// The value files.
    pub(crate) fn values(&self) -> &Arc<ValueStore> {
        &self.values
    }

    /// The moment of the oldest reader: what expired, or was filtered, by then nobody sees any more.
    pub(crate) fn oldest_moment(&self) -> Moment {
        self.snapshots.oldest_moment()
    }

    /// The merges with filters.
    pub(crate) fn turns(&self) -> &FilterTurns {
        self.snapshots.turns()
    }

    /// Entries up to this sequence are in tables and nowhere else, for whoever begins to read.
    pub(crate) fn settled(&self) -> Sequence {
        self.snapshots.settled()
    }

    /// Tells that there is something which expires.
    pub(crate) fn note_expiring(&self) {
        self.snapshots.note_expiring();
    }

    /// The rules of all keyspaces.
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
        let rule = self.rules.of(stored_key).ok_or_else(|| without_rules(stored_key))?;
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

/// The error where a keyspace that has operands has no rules at all, and so is not known by name here.
fn without_rules(stored_key: &[u8]) -> Error {
    let number = stored_key.first_chunk().map_or(0, |number| u32::from_be_bytes(*number));
    Error::NoMergeOperator { keyspace: format!("number {number}") }
}

#[cfg(test)]
impl Resolver {
    /// Without rules, and with a clock that stands still.
    pub(crate) fn without_rules(values: Arc<ValueStore>) -> Arc<Self> {
        let clock = Arc::new(stroma_strata::runtime::ManualClock::new());
        Arc::new(Resolver::new(values, Arc::new(SnapshotRegistry::new(clock))))
    }
}

/// The key as callers know it.
fn own_key(stored_key: &[u8]) -> &[u8] {
    stored_key.get(PREFIX_BYTES..).unwrap_or_default()
}
