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
    /// Commits `request`, as leader or through another; `decide` decides every request of the group.
    pub(crate) fn commit(
        &self,
        request: CommitRequest,
        decide: impl FnOnce(&mut Lead<'_>),
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
        decide(&mut Lead { queue: self, group: Vec::new() });
        request.outcome()
    }
}

/// The lead of the queue; dropping it hands it on.
#[derive(Debug)]
pub(crate) struct Lead<'a> {
    queue: &'a CommitQueue,
    group: Vec<Arc<CommitRequest>>,
}

impl Lead<'_> {
    /// Everyone who waits by now. To be asked for once, when nothing is left to wait for.
    pub(crate) fn group(&mut self) -> Vec<&CommitRequest> {
        self.group = self.queue.state.lock().waiting.drain(..).collect();
        self.group.iter().map(|request| &**request).collect()
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // After a panic some may not have been decided, and nobody else will.
        self.group.iter().for_each(|request| request.give_up());
        let mut state = self.queue.state.lock();
        match state.waiting.front() {
            Some(next) => next.promote(),
            None => state.led = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::commit::Payload;
    use crate::options::Durability;

    #[test]
    fn after_a_panic_of_the_leader_others_commit() {
        let queue = CommitQueue::default();
        let request = || CommitRequest::new(Payload::default(), Durability::Synced, None);
        let panics = || queue.commit(request(), |lead| assert!(lead.group().is_empty(), "a panic"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        let token = CommitToken { epoch: 1, sequence: 2 };
        let commit =
            queue.commit(request(), |lead| lead.group().iter().for_each(|each| each.finish(Ok(token))));
        assert_eq!(commit.expect("decided"), token);
    }
}
