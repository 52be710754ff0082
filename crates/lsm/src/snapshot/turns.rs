//! The merges with filters, numbered, so that each reader sees either all or nothing of what one did.
//!
//! A filter takes entries out that nobody deleted. Whoever began to read before the merge ended goes on to see them;
//! so they stay, marked with the number of the merge, its *turn*, until no such reader is left. A reader's turn is the
//! last of those before which all are over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct FilterTurns {
    /// All turns up to this one are over.
    over: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last turn given out.
    last: u64,
    /// The turns of merges at work, by the merge.
    running: BTreeMap<u64, u64>,
}

impl FilterTurns {
    /// All turns up to this one are over.
    pub(crate) fn over(&self) -> u64 {
        self.over.load(Ordering::Acquire)
    }

    /// The turn of `merge`, which begins or goes on.
    pub(crate) fn begin(&self, merge: u64) -> u64 {
        let mut state = self.state.lock();
        if let Some(turn) = state.running.get(&merge) {
            return *turn;
        }
        state.last += 1;
        let turn = state.last;
        state.running.insert(merge, turn);
        turn
    }

    /// `merge` has ended, and readers see what came of it. Nothing happens if it had no turn.
    pub(crate) fn end(&self, merge: u64) {
        let mut state = self.state.lock();
        if state.running.remove(&merge).is_some() {
            self.note_over(&state);
        }
    }

    /// There is a table of an earlier opening with this turn; called while tables are opened.
    pub(crate) fn note_stored(&self, turn: u64) {
        let mut state = self.state.lock();
        if turn > state.last {
            state.last = turn;
            self.note_over(&state);
        }
    }

    fn note_over(&self, state: &State) {
        let over = state.running.values().min().map_or(state.last, |first| first - 1);
        self.over.store(over, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_when_it_and_all_before_it_are() {
        let turns = FilterTurns::default();
        turns.note_stored(4);
        assert_eq!((turns.over(), turns.begin(70), turns.begin(80), turns.begin(70)), (4, 5, 6, 5));
        turns.end(80);
        turns.end(90);
        assert_eq!(turns.over(), 4);
        turns.end(70);
        assert_eq!((turns.over(), turns.begin(70)), (6, 7));
    }
}
