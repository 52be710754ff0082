//! The queue of those who commit with a sync. Whoever finds no leader leads: it commits for everyone who waits, itself
//! included, with one write and one sync, then hands the lead to the first who came meanwhile.
//!
//! Commits without a sync do not queue: each takes less time than a thread takes to be woken, so whoever comes by takes
//! the writer's lock, and no thread waits for a certain other one.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::request::{CommitRequest, CommitToken, Wake};
use crate::Error;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether some thread leads. Stays true while the lead is being handed over.
    led: bool,
    waiting: VecDeque<Arc<CommitRequest>>,
}

impl CommitQueue {
    /// Commits `request`, as leader or through another; `lead` decides every request it is given.
    pub(crate) fn commit(
        &self,
        request: CommitRequest,
        lead: impl FnOnce(&[&CommitRequest]),
    ) -> Result<CommitToken, Error> {
        let request = Arc::new(request);
        let leads = {
            let mut state = self.state.lock();
            state.waiting.push_back(request.clone());
            !std::mem::replace(&mut state.led, true)
        };
        if !leads && let Wake::Done(outcome) = request.wait() {
            return outcome;
        }
        let group: Vec<_> = self.state.lock().waiting.drain(..).collect();
        lead(&group.iter().map(|request| &**request).collect::<Vec<_>>());
        {
            let mut state = self.state.lock();
            match state.waiting.front() {
                Some(next) => next.promote(),
                None => state.led = false,
            }
        }
        request.outcome()
    }
}
