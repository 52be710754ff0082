//! Runs a piece of work as a transaction and repeats it when it meets a conflict.

use super::Inner;
use crate::error::{Code, Error, Result};
use crate::store::{CommitOptions, StoreError, StoreTransaction};

/// How often a transaction runs beside the others before it asks for its turn alone.
const SHARED_ATTEMPTS: usize = 6;
/// How often it then runs alone: conflicts can only come from another handle on the same store.
const EXCLUSIVE_ATTEMPTS: usize = 10;

/// What one attempt came to.
pub(crate) enum Attempt<T> {
    /// Commit and give this.
    Commit(T),
    /// What the work was based on has changed; repeat it as if the commit had met a conflict.
    Repeat,
}

impl Inner {
    /// Runs `work` in a transaction and commits it. On a conflict the work is repeated from the start, so it
    /// must not change anything but the transaction.
    ///
    /// # Errors
    /// Those of `work` (nothing is written then), of the store, and `WriteConflict` (112) if the conflicts
    /// do not end.
    pub(crate) fn transact<T>(
        &self,
        synced: bool,
        mut work: impl FnMut(&mut dyn StoreTransaction) -> Result<Attempt<T>>,
    ) -> Result<T> {
        for attempt in 0..SHARED_ATTEMPTS + EXCLUSIVE_ATTEMPTS {
            let shared = (attempt < SHARED_ATTEMPTS).then(|| self.turn.read());
            let alone = (attempt >= SHARED_ATTEMPTS).then(|| self.turn.write());
            let mut transaction = self.store.begin()?;
            match work(&mut *transaction) {
                Ok(Attempt::Commit(value)) => match transaction.commit(CommitOptions { synced }) {
                    Ok(_) => return Ok(value),
                    Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                },
                Ok(Attempt::Repeat) => {}
                Err(error) if error.kind() == Code::WriteConflict => {}
                Err(error) => return Err(error),
            }
            drop((shared, alone));
        }
        Err(Error::new(
            Code::WriteConflict,
            "Write conflict: others keep changing what this one reads. Try again.",
        ))
    }
}
