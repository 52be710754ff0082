//! Merging in the background: workers that merge what is due, wait when nothing is, and back off after a
//! failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::merge::Caller;
use super::shared::{Shared, WorkerWait};
use crate::Error;
use crate::layer::LayerKind;
use crate::runtime::panic_message;

/// Whether layers have become too old is looked up again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// While one of these is held no merge starts in the background. Merges that run go on, and explicit calls
/// such as [`LayeredSet::merge_once`](crate::LayeredSet::merge_once) work as ever.
#[derive(Debug)]
#[must_use = "merges start again when this is dropped"]
pub struct MergePause<K: LayerKind> {
    shared: Arc<Shared<K>>,
}

impl<K: LayerKind> MergePause<K> {
    pub(super) fn new(shared: Arc<Shared<K>>) -> MergePause<K> {
        shared.merging.lock().pauses += 1;
        MergePause { shared }
    }
}

impl<K: LayerKind> Drop for MergePause<K> {
    fn drop(&mut self) {
        self.shared.merging.lock().pauses -= 1;
        self.shared.changed.notify();
    }
}

impl<K: LayerKind> Shared<K> {
    /// What a background worker does until the set is closed or can take no more edits.
    pub(super) fn work(&self) {
        let clock = &*self.options.clock;
        loop {
            let seen = self.changed.generation();
            if self.cancelled.load(Ordering::Acquire) {
                return;
            }
            let wait = self.merging.lock().worker_wait(clock);
            match wait {
                None => {}
                Some(WorkerWait::Pause) => {
                    self.changed.wait(seen);
                    continue;
                }
                Some(WorkerWait::Until(time)) => {
                    self.changed.wait_until(seen, clock, time);
                    continue;
                }
            }
            if self.help() {
                continue;
            }
            match catch_unwind(AssertUnwindSafe(|| self.merge_once(Caller::Worker))) {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => self.idle(seen),
                Ok(Err(Error::Closed | Error::Fenced { .. } | Error::Poisoned { .. })) => return,
                // Noted already, together with the time of the next attempt.
                Ok(Err(_)) => {}
                Err(panic) => {
                    if let Some(failure) = &mut self.merging.lock().last_failure {
                        failure.message = format!("the merge panicked: {}", panic_message(&*panic));
                    }
                }
            }
        }
    }

    /// Makes pieces of a merge that another thread began; answers whether there were any.
    fn help(&self) -> bool {
        let waiting = self.merging.lock().divisions.iter().find(|division| division.has_pieces()).cloned();
        let Some(division) = waiting else { return false };
        let worked = division.work(self);
        // Whoever divided the merge waits until nobody else holds its inputs.
        drop(division);
        self.changed.notify();
        worked
    }

    /// Waits until something changes, or time may have made a merge due.
    fn idle(&self, seen: u64) {
        self.merging.lock().idle += 1;
        if self.options.upkeep.depends_on_time() {
            let clock = &*self.options.clock;
            self.changed.wait_until(seen, clock, clock.now() + LOOK_AGAIN);
        } else {
            self.changed.wait(seen);
        }
        self.merging.lock().idle -= 1;
    }

    /// Makes workers and merges end at their next step.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.changed.notify();
    }
}
