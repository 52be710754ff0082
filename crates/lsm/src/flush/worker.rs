//! Doing the flush: one memtable at a time, oldest first, in a thread of its own or in the writer's.

use std::sync::{Arc, Weak};
use std::time::Duration;

use stroma_strata::runtime::{Clock, JoinHandle};

use super::FlushRecord;
use crate::Error;
use crate::database::Core;
use crate::log::delete_segments_before;

/// How long the thread waits before it tries a failed flush again unasked.
const RETRY: Duration = Duration::from_secs(1);
/// How long it sleeps at most: it holds no handle while it waits, and looks whether the database is still there.
const LOOK_AROUND: Duration = Duration::from_millis(500);

impl Core {
    /// Flushes the oldest sealed memtable; answers whether there was one.
    pub(crate) fn flush_oldest(&self) -> Result<bool, Error> {
        let _turn = self.flush.begin();
        let list = self.memtables();
        let Some(oldest) = list.sealed.last().cloned() else {
            return Ok(false);
        };
        let next = list.sealed.iter().rev().nth(1).unwrap_or(&list.active);
        let record = FlushRecord {
            flushed_through: oldest.last_sequence().max(self.flushed_through()),
            first_needed_log: next.log_number(),
        };
        if !oldest.is_empty() {
            self.layers.write(&oldest, record)?;
            self.counters().flushes.add(1);
        }
        self.flush.advance(record);
        self.forget_oldest();
        drop((list, oldest));
        self.scans().release_all();
        // A segment that stays behind is deleted by the next flush, or when the database is opened.
        let _ = delete_segments_before(&*self.storage, record.first_needed_log);
        self.flush.progress().notify();
        Ok(true)
    }

    /// Flushes everything there is to flush; a failure is kept for the next writer to tell.
    fn flush_waiting(&self) -> bool {
        loop {
            match self.flush_oldest() {
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
