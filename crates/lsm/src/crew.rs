//! Threads that share one large piece of work with the thread that does it, and go when it is done.
//!
//! Work is handed over in tasks, and the results are waited for in whatever order they are needed. Who waits for a task
//! that nobody has begun does it, and others meanwhile, so that a crew of no threads is as good as any: it does
//! everything when it is asked for, in the same order each time. Threads are started when tasks begin to pile up.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use parking_lot::{Condvar, Mutex};
use stroma_strata::runtime::{JoinHandle, Spawner};

/// No more threads than these are of use.
const MOST_THREADS: usize = 7;
/// So many tasks may wait for a thread before another one is started.
const WAITING_TASKS: usize = 2;

type Task = Box<dyn FnOnce() + Send>;

/// See the module.
pub(crate) struct Crew {
    spawner: Arc<dyn Spawner>,
    most_threads: usize,
    tasks: Arc<Tasks>,
    threads: Mutex<Vec<Box<dyn JoinHandle>>>,
}

/// What is yet to be done.
#[derive(Default)]
struct Tasks {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    is_over: bool,
}

/// A task that was handed over.
pub(crate) struct Handed<T> {
    outcome: Receiver<Result<T, Box<dyn Any + Send>>>,
}

impl Crew {
    /// One of at most so many threads.
    pub(crate) fn new(spawner: Arc<dyn Spawner>, most_threads: usize) -> Crew {
        let most_threads = most_threads.min(MOST_THREADS);
        Crew { spawner, most_threads, tasks: Arc::default(), threads: Mutex::default() }
    }

    /// The most threads it may have.
    pub(crate) fn most_threads(&self) -> usize {
        self.most_threads
    }

    /// Hands over a task.
    pub(crate) fn hand_over<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Handed<T> {
        let (sender, outcome) = sync_channel(1);
        let task = Box::new(move || {
            // A panic is that of who waits. If nobody does any more, the outcome is of no use.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
        });
        let waiting = {
            let mut waiting = self.tasks.waiting.lock();
            waiting.tasks.push_back(task);
            waiting.tasks.len()
        };
        self.tasks.changed.notify_one();
        if waiting >= WAITING_TASKS {
            self.start_thread();
        }
        Handed { outcome }
    }

    /// What a task came to. Panics if it did.
    pub(crate) fn wait<T>(&self, handed: Handed<T>) -> T {
        loop {
            let outcome = match handed.outcome.try_recv() {
                Ok(outcome) => outcome,
                Err(TryRecvError::Empty) => {
                    let task = self.tasks.waiting.lock().tasks.pop_front();
                    if let Some(task) = task {
                        task();
                        continue;
                    }
                    // Somebody is at it.
                    handed.outcome.recv().unwrap_or_else(|lost| Err(Box::new(lost.to_string())))
                }
                Err(lost) => Err(Box::new(lost.to_string()) as _),
            };
            return outcome.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }

    /// Starts another thread if there may be one and the system gives one; without it the work takes longer.
    fn start_thread(&self) {
        let mut threads = self.threads.lock();
        if threads.len() < self.most_threads {
            let tasks = self.tasks.clone();
            threads.extend(self.spawner.spawn("stroma-crew", Box::new(move || tasks.work())).ok());
        }
    }
}

impl Tasks {
    fn work(&self) {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(task) = waiting.tasks.pop_front() {
                drop(waiting);
                task();
                waiting = self.waiting.lock();
            } else if waiting.is_over {
                return;
            } else {
                self.changed.wait(&mut waiting);
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        {
            let mut waiting = self.tasks.waiting.lock();
            waiting.is_over = true;
            waiting.tasks.clear();
        }
        self.tasks.changed.notify_all();
        for thread in self.threads.get_mut().drain(..) {
            // It has nothing to tell: panics of tasks went to those who waited.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Crew").field("most_threads", &self.most_threads).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use stroma_strata::runtime::ThreadSpawner;

    use super::*;

    #[test]
    fn every_task_is_done_once_with_any_number_of_threads_and_in_any_order_of_waiting() {
        for threads in [0, 1, 3] {
            let crew = Crew::new(Arc::new(ThreadSpawner), threads);
            for turn in 0..20 {
                let mut handed: Vec<_> = (0..turn * 5_u64)
                    .map(|number| (number, crew.hand_over(move || number * number)))
                    .collect();
                if turn % 2 == 0 {
                    handed.reverse();
                }
                for (number, task) in handed {
                    assert_eq!(crew.wait(task), number * number);
                }
            }
            assert!(crew.threads.lock().len() <= threads);
            // Nobody waits for these.
            let _ = (0..20).map(|_| crew.hand_over(|| ())).collect::<Vec<_>>();
        }
    }

    #[test]
    fn a_panic_is_that_of_who_waits() {
        for threads in [0, 2] {
            let crew = Crew::new(Arc::new(ThreadSpawner), threads);
            let handed: Vec<_> =
                (0..6).map(|number| crew.hand_over(move || assert_ne!(number, 3, "out of luck"))).collect();
            for (number, task) in handed.into_iter().enumerate() {
                let outcome = catch_unwind(AssertUnwindSafe(|| crew.wait(task)));
                assert_eq!(outcome.is_err(), number == 3);
            }
        }
    }
}
