//! What a memory storage held right before each of its operations, to lose power at every one of them in one run.

use super::state::State;
use super::storage::MemoryStorage;

/// The storage right before one operation, with what of it was durable then. Lose its power with
/// [`crash`](MemoryStorage::crash), [`lose_power`](MemoryStorage::lose_power) or [`kill`](MemoryStorage::kill).
#[derive(Debug)]
#[non_exhaustive]
pub struct Moment {
    /// The operation's number.
    pub operation: u64,
    /// What it does.
    pub action: &'static str,
    /// To which blob or log.
    pub name: String,
    /// What was stored.
    pub storage: MemoryStorage,
}

/// Which moments are wanted, and those kept so far.
#[derive(Debug, Default)]
pub(super) struct Watched {
    every: Option<(u64, u64)>,
    moments: Vec<Moment>,
}

impl Watched {
    /// Whether the state before operation `number` is wanted. What only reads changes nothing worth keeping.
    pub(super) fn wants(&self, number: u64, action: &str) -> bool {
        let is_change = !matches!(action, "list" | "open" | "read" | "lock");
        is_change && self.every.is_some_and(|(every, first)| number % every == first)
    }

    pub(super) fn keep(&mut self, operation: u64, action: &'static str, name: &str, state: State) {
        let storage = MemoryStorage::from_state(state);
        self.moments.push(Moment { operation, action, name: name.to_owned(), storage });
    }
}

impl MemoryStorage {
    /// Keeps, from now on, what is stored right before each operation that changes something and whose number is
    /// `first` modulo `every`. That takes memory and time for a copy of all logs each.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn watch(&self, every: u64, first: u64) {
        self.shared.state.lock().watched.every = Some((every, first % every));
    }

    /// The moments kept since the last call.
    pub fn take_moments(&self) -> Vec<Moment> {
        std::mem::take(&mut self.shared.state.lock().watched.moments)
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::SYNC_DIRECTORY;
    use super::*;
    use crate::storage::LogStorage as _;

    #[test]
    fn a_moment_is_what_was_there_before_the_operation() {
        let storage = MemoryStorage::new();
        storage.watch(1, 0);
        let mut log = storage.create_log("logs/1").unwrap();
        log.append(b"one").unwrap();
        log.sync().unwrap();
        storage.list_logs("logs").unwrap();
        log.append(b"two").unwrap();
        log.sync().unwrap();
        let moments = storage.take_moments();
        let actions: Vec<&str> = moments.iter().map(|moment| moment.action).collect();
        assert_eq!(actions, ["create the log", SYNC_DIRECTORY, "append to", "sync", "append to", "sync"]);
        assert!(moments[0].storage.contents("logs/1").is_none());
        let last = &moments[5].storage;
        assert_eq!(last.contents("logs/1").unwrap(), b"onetwo");
        let lengths: std::collections::BTreeSet<usize> =
            (0..32).map(|seed| last.crash(seed).contents("logs/1").unwrap().len()).collect();
        assert_eq!(lengths, (3..=6).collect());
        assert!(storage.take_moments().is_empty());
    }
}
