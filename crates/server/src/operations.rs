//! The commands that run at the moment: what `currentOp` shows and `killOp` stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use bson::{Document, doc};
use parking_lot::Mutex;
use stroma_document::{Code, Error, Result};

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) number: i32,
    command: String,
    /// Its database, or database and collection.
    namespace: String,
    connection: u64,
    started: Instant,
    /// After which it fails (`maxTimeMS`).
    deadline: Option<Instant>,
    is_killed: AtomicBool,
}

impl Operation {
    /// What `currentOp` shows of it.
    pub(crate) fn describe(&self) -> Document {
        let running = self.started.elapsed();
        doc! {
            "type": "op",
            "active": true,
            "opid": self.number,
            "op": "command",
            "command": {&self.command: 1},
            "ns": &self.namespace,
            "connectionId": self.connection as i64,
            "secs_running": running.as_secs() as i64,
            "microsecs_running": running.as_micros() as i64,
        }
    }

    /// Whether the command may go on; asked between two documents.
    ///
    /// # Errors
    /// `Interrupted` (11601) if it was killed, `MaxTimeMSExpired` (50) if its time is over.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_killed.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Interrupted, "operation was interrupted"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Error::new(Code::MaxTimeMSExpired, "operation exceeded time limit"))
            }
            _ => Ok(()),
        }
    }
}

/// All commands that run.
#[derive(Default)]
pub(crate) struct Operations {
    running: Mutex<BTreeMap<i32, Arc<Operation>>>,
    next: AtomicI32,
}

/// Takes the command off the list when it ends.
pub(crate) struct Running<'o> {
    operations: &'o Operations,
    pub(crate) operation: Arc<Operation>,
}

impl Operations {
    /// Lists a command until the result is dropped.
    pub(crate) fn begin(
        &self,
        command: &str,
        namespace: String,
        connection: u64,
        time: Option<Duration>,
    ) -> Running<'_> {
        let started = Instant::now();
        let operation = Arc::new(Operation {
            number: self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX,
            command: command.to_owned(),
            namespace,
            connection,
            started,
            deadline: time.and_then(|time| started.checked_add(time)),
            is_killed: AtomicBool::new(false),
        });
        self.running.lock().insert(operation.number, Arc::clone(&operation));
        Running { operations: self, operation }
    }

    /// The commands that run, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Operation>> {
        self.running.lock().values().cloned().collect()
    }

    /// Asks a command to end; nothing happens if there is none of this number.
    pub(crate) fn kill(&self, number: i32) {
        if let Some(operation) = self.running.lock().get(&number) {
            operation.is_killed.store(true, Ordering::Relaxed);
        }
    }

    /// Asks all commands to end.
    pub(crate) fn kill_all(&self) {
        for operation in self.running.lock().values() {
            operation.is_killed.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.operations.running.lock().remove(&self.operation.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Operations;

    #[test]
    fn a_killed_or_late_command_is_told_so() {
        let operations = Operations::default();
        let running = operations.begin("find", "a.b".to_owned(), 1, None);
        running.operation.check().unwrap();
        operations.kill(running.operation.number);
        assert_eq!(running.operation.check().unwrap_err().code(), 11601);
        let late = operations.begin("find", "a.b".to_owned(), 1, Some(Duration::ZERO));
        assert_eq!(late.operation.check().unwrap_err().code(), 50);
        assert_eq!(operations.list().len(), 2);
        drop((running, late));
        assert!(operations.list().is_empty());
    }
}
