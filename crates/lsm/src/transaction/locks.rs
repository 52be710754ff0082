//! Locks on keys, for transactions that would rather wait than run twice.
//!
//! A lock is exclusive and held until its transaction ends. It keeps out only those who ask for it as well: a commit
//! that does not is checked as ever. Whoever would wait in a circle is told at once: every waiter waits for one key,
//! so the circle is found by going from key to holder to key.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use stroma_strata::runtime::Event;

use crate::Error;
use crate::database::Core;
use crate::keyspace::PREFIX_BYTES;

/// The locks of a database.
#[derive(Debug, Default)]
pub(crate) struct LockTable {
    state: Mutex<State>,
    /// Notified when a lock that somebody waits for was given back.
    released: Event,
    next_holder: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Who holds a key.
    holders: HashMap<Arc<[u8]>, u64>,
    /// Which key a holder waits for.
    waiting: HashMap<u64, Arc<[u8]>>,
}

impl State {
    /// Whether the holder of `key` waits, through however many others, for `waiter`.
    fn leads_back(&self, key: &[u8], waiter: u64) -> bool {
        let mut key = key;
        // No circle is ever made, so this ends.
        while let Some(holder) = self.holders.get(key) {
            if *holder == waiter {
                return true;
            }
            match self.waiting.get(holder) {
                Some(next) => key = next,
                None => return false,
            }
        }
        false
    }
}

/// The locks of one transaction; dropping it gives them back.
#[derive(Debug)]
pub(super) struct HeldLocks {
    core: Arc<Core>,
    holder: u64,
    keys: Vec<Arc<[u8]>>,
}

impl HeldLocks {
    pub(super) fn none(core: Arc<Core>) -> Self {
        let holder = core.locks().next_holder.fetch_add(1, Ordering::Relaxed);
        HeldLocks { core, holder, keys: Vec::new() }
    }

    /// Waits until the lock of a stored key is this transaction's.
    ///
    /// # Errors
    /// [`Error::Deadlock`], [`Error::LockTimeout`], [`Error::Closed`].
    pub(super) fn acquire(&mut self, key: &[u8]) -> Result<(), Error> {
        let table = self.core.locks();
        let key: Arc<[u8]> = Arc::from(key);
        let options = self.core.options();
        let start = options.clock.now();
        let deadline = start + options.lock_timeout;
        loop {
            self.core.check_open()?;
            let seen = {
                let mut state = table.state.lock();
                state.waiting.remove(&self.holder);
                match state.holders.get(&key) {
                    Some(holder) if *holder == self.holder => return Ok(()),
                    None => {
                        state.holders.insert(key.clone(), self.holder);
                        drop(state);
                        self.keys.push(key);
                        return Ok(());
                    }
                    Some(_) => {}
                }
                if state.leads_back(&key, self.holder) {
                    return Err(Error::Deadlock { key: shown(&key) });
                }
                let now = options.clock.now();
                if now >= deadline {
                    return Err(Error::LockTimeout { key: shown(&key), waited: now - start });
                }
                state.waiting.insert(self.holder, key.clone());
                // Under the lock: what is given back after this notifies a later generation.
                table.released.generation()
            };
            table.released.wait_until(seen, &*options.clock, deadline);
        }
    }
}

impl Drop for HeldLocks {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let table = self.core.locks();
        let mut state = table.state.lock();
        for key in &self.keys {
            state.holders.remove(key);
        }
        let is_waited_for = !state.waiting.is_empty();
        drop(state);
        if is_waited_for {
            table.released.notify();
        }
    }
}

/// A stored key for people.
fn shown(key: &[u8]) -> String {
    key.get(PREFIX_BYTES..).unwrap_or_default().escape_ascii().to_string()
}
