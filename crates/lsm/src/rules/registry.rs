//! Which keyspace has which rules, for whoever meets an entry and knows its stored key alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::{KeyspaceOptions, KeyspaceStoring, MergeOperator, Storing};
use crate::Error;
use crate::entry::{NEVER, Timestamp};
use crate::keyspace::PREFIX_BYTES;

/// The rules of one keyspace.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// The keyspace's name.
    pub(crate) name: String,
    pub(crate) options: KeyspaceOptions,
    /// How its entries are stored: as the options say, else as the catalog does.
    pub(crate) storing: Storing,
}

impl Rule {
    /// When what is written at `now` expires, if it does.
    pub(crate) fn expiry(&self, now: Timestamp) -> Option<Timestamp> {
        let lives = self.options.time_to_live?;
        Some(expiry_after(now, lives, self.options.merge_operator.is_some()))
    }

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

/// The time so long after `now`. In keyspaces with a merge operator it is rounded up to a multiple of a 64th of
/// `lives`: so what is written at about one time expires at one time, and operands of it can be put together.
pub(crate) fn expiry_after(now: Timestamp, lives: Duration, has_operator: bool) -> Timestamp {
    let exact = now.saturating_add(u64::try_from(lives.as_millis()).unwrap_or(u64::MAX));
    if !has_operator {
        return exact;
    }
    let step = u64::try_from(lives.as_millis() / EXPIRY_STEPS).unwrap_or(u64::MAX).max(1);
    exact.checked_next_multiple_of(step).map_or(LAST, |at| at.min(LAST))
}

/// The last time at which anything expires.
const LAST: Timestamp = NEVER - 1;

/// In how many steps what lives equally long expires.
const EXPIRY_STEPS: u128 = 64;

/// The rules of the keyspaces that have any. Looked into only where an entry asks for it.
#[derive(Debug, Default)]
pub(crate) struct KeyspaceRules {
    by_number: RwLock<HashMap<u32, Arc<Rule>>>,
    /// Whether puts of any keyspace expire by themselves.
    any_lives: AtomicBool,
    /// Whether any keyspace has a filter.
    any_filter: AtomicBool,
    /// Whether entries of any keyspace are not stored as usual.
    any_unusual: AtomicBool,
    /// How those are stored that are not stored as usual; made when it is asked for.
    storing: RwLock<Option<KeyspaceStoring>>,
}

impl KeyspaceRules {
    /// Sets the rules of keyspace `number`.
    pub(crate) fn set(&self, number: u32, rule: Arc<Rule>) {
        if rule.options.time_to_live.is_some() {
            self.any_lives.store(true, Ordering::Release);
        }
        if rule.options.compaction_filter.is_some() {
            self.any_filter.store(true, Ordering::Release);
        }
        if !rule.storing.is_usual() {
            self.any_unusual.store(true, Ordering::Release);
        }
        self.by_number.write().insert(number, rule);
        *self.storing.write() = None;
    }

    /// Whether puts of any keyspace expire by themselves.
    pub(crate) fn any_lives(&self) -> bool {
        self.any_lives.load(Ordering::Acquire)
    }

    /// Whether puts of all keyspaces stay, and are stored as the options of the database say.
    #[inline]
    pub(crate) fn are_usual(&self) -> bool {
        !self.any_lives.load(Ordering::Acquire) && !self.any_unusual.load(Ordering::Acquire)
    }

    /// Whether any keyspace has a filter.
    pub(crate) fn any_filter(&self) -> bool {
        self.any_filter.load(Ordering::Acquire)
    }

    /// How the entries of keyspaces are stored, as it is now.
    pub(crate) fn storing(&self) -> KeyspaceStoring {
        if let Some(storing) = &*self.storing.read() {
            return storing.clone();
        }
        // Locked before the rules are read: who changes them makes void what is put here after that.
        let mut kept = self.storing.write();
        let unusual = |(number, rule): (&u32, &Arc<Rule>)| {
            (!rule.storing.is_usual()).then_some((*number, rule.storing))
        };
        let storing = KeyspaceStoring::new(self.by_number.read().iter().filter_map(unusual).collect());
        kept.insert(storing).clone()
    }

    /// The rules for a stored key, if its keyspace has any.
    pub(crate) fn of(&self, stored_key: &[u8]) -> Option<Arc<Rule>> {
        let prefix = stored_key.first_chunk::<PREFIX_BYTES>()?;
        self.by_number.read().get(&u32::from_be_bytes(*prefix)).cloned()
    }
}
