//! Threads that clean in the background, the only ones that this crate starts.

use std::sync::Arc;

use super::core::Core;
use crate::error::Error;
use crate::sync::{Condvar, Mutex, thread};

/// Bytes of victims that a thread goes through before it lets others at the cleaner.
const SLICE_BYTES: usize = 64 << 10;

/// What the threads wait for.
#[derive(Debug, Default)]
pub(super) struct Wake {
    state: Mutex<Call>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Call {
    is_work: bool,
    is_end: bool,
}

impl Wake {
    /// There is something to clean.
    pub(super) fn ring(&self) {
        self.state.lock().is_work = true;
        self.changed.notify_one();
    }

    fn end(&self) {
        self.state.lock().is_end = true;
        self.changed.notify_all();
    }

    /// Waits for work; false at the end.
    fn wait(&self) -> bool {
        let mut call = self.state.lock();
        while !call.is_work && !call.is_end {
            self.changed.wait(&mut call);
        }
        call.is_work = false;
        !call.is_end
    }

    fn is_end(&self) -> bool {
        self.state.lock().is_end
    }
}

/// Running threads; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Threads {
    core: Arc<Core>,
    running: Vec<thread::JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(core: &Arc<Core>, count: usize) -> Result<Threads, Error> {
        let mut threads = Threads { core: Arc::clone(core), running: Vec::new() };
        for _ in 0..count {
            let core = Arc::clone(core);
            let thread = thread::spawn("logmem-cleaner", move || {
                while core.wake.wait() {
                    core.clean_until_enough();
                }
            });
            let refused = |error: std::io::Error| Error::InvalidOptions {
                reason: format!("the system refuses a thread for the cleaner: {error}"),
            };
            threads.running.push(thread.map_err(refused)?);
        }
        Ok(threads)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.core.wake.end();
        for thread in self.running.drain(..) {
            // A panic of the thread has been reported where it happened; the store is consistent after it.
            let _ = thread.join();
        }
    }
}

impl Core {
    /// Cleans until there are enough free segments, or nothing worth cleaning.
    fn clean_until_enough(&self) {
        while self.segments_lacking() > 0 && !self.wake.is_end() {
            let slice = self.clean_slice(&mut self.cleaner.lock(), SLICE_BYTES);
            if slice.ended {
                self.set_pace();
            }
            if slice.exhausted {
                return;
            }
        }
        self.set_pace();
    }
}
