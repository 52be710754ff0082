//! The thread that flushes: one memtable at a time, oldest first.

use std::sync::{Arc, Weak};
use std::time::Duration;

use stroma_strata::runtime::{Clock, JoinHandle};

use crate::Error;
use crate::database::Core;

/// How long the thread waits before it tries a failed flush again unasked.
const RETRY: Duration = Duration::from_secs(1);
/// How long it sleeps at most: it holds no handle while it waits, and looks whether the database is still there.
const LOOK_AROUND: Duration = Duration::from_millis(500);

impl Core {
    /// Flushes everything there is to flush; a failure is kept for the next writer to tell.
    fn flush_waiting(&self) -> bool {
        loop {
            let flushed = match self.flush_oldest() {
                Ok(false) => self.flush_for_readers().map(|()| false),
                other => other,
            };
            match flushed {
                Ok(true) => {}
                Ok(false) => return true,
                Err(error) => {
                    self.flush.note_failure(error);
                    return false;
                }
            }
        }
    }
}

/// Starts the thread that flushes. It ends when the database is closed or gone.
pub(crate) fn start_worker(core: &Arc<Core>) -> Result<Box<dyn JoinHandle>, Error> {
    let weak = Arc::downgrade(core);
    let clock = core.options().clock.clone();
    let body = move || work(&weak, &*clock);
    core.options()
        .spawner
        .spawn("lsm-flush", Box::new(body))
        .map_err(|error| Error::InvalidOptions { reason: error.to_string() })
}

fn work(core: &Weak<Core>, clock: &dyn Clock) {
    loop {
        let Some(strong) = core.upgrade() else { return };
        if strong.is_closed() {
            return;
        }
        let seen = strong.flush.wanted().generation();
        let flushed = strong.flush_waiting();
        let patience = if flushed { LOOK_AROUND } else { RETRY };
        strong.flush.wanted().wait_until(seen, clock, clock.now() + patience);
    }
}
