//! Where background work gets its threads from.

#![allow(clippy::disallowed_methods, reason = "this is the seam that hides threads from everyone else")]

use std::fmt::Debug;
use std::sync::Arc;
use std::thread;

/// Starts pieces of work that run beside the caller.
pub trait Spawner: Send + Sync + Debug + 'static {
    /// Starts `body`; `name` appears in debuggers and panics.
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> Result<Box<dyn JoinHandle>, SpawnError>;
}

/// A running piece of work. Dropping it lets the work run on unobserved.
pub trait JoinHandle: Send + Debug {
    /// Waits until the work has ended.
    fn join(self: Box<Self>) -> Result<(), TaskPanicked>;

    /// Whether the work has ended.
    fn is_finished(&self) -> bool;
}

/// The system gave no thread.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot start the thread {name}: {source}; the limit on processes or memory may be reached")]
pub struct SpawnError {
    /// What the thread would have been called.
    pub name: String,
    /// What the system said.
    pub source: Arc<std::io::Error>,
}

/// A piece of work ended by a panic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the thread {name} panicked: {message}")]
pub struct TaskPanicked {
    /// What the thread was called.
    pub name: String,
    /// What the panic said.
    pub message: String,
}

/// One thread of the operating system for each piece of work.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadSpawner;

impl Spawner for ThreadSpawner {
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> Result<Box<dyn JoinHandle>, SpawnError> {
        match thread::Builder::new().name(name.to_owned()).spawn(body) {
            Ok(handle) => Ok(Box::new(ThreadHandle { name: name.to_owned(), handle })),
            Err(error) => Err(SpawnError { name: name.to_owned(), source: Arc::new(error) }),
        }
    }
}

#[derive(Debug)]
struct ThreadHandle {
    name: String,
    handle: thread::JoinHandle<()>,
}

impl JoinHandle for ThreadHandle {
    fn join(self: Box<Self>) -> Result<(), TaskPanicked> {
        let ThreadHandle { name, handle } = *self;
        handle.join().map_err(|panic| TaskPanicked { name, message: panic_message(&*panic) })
    }

    fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

/// The text of a caught panic, as far as it has one.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_to_the_one_who_joins() {
        let handle = ThreadSpawner.spawn("unlucky", Box::new(|| panic!("out of luck"))).unwrap();
        let error = handle.join().unwrap_err();
        assert_eq!(error, TaskPanicked { name: "unlucky".into(), message: "out of luck".into() });
    }
}
