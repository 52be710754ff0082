//! The seams to time and threads: everything above takes them as parameters, so a test can replay both.

mod clock;
mod event;
mod spawner;

pub use clock::seconds_since_epoch;
pub use clock::{Clock, ManualClock, SystemClock};
pub use event::Event;
pub(crate) use spawner::panic_message;
pub use spawner::{JoinHandle, SpawnError, Spawner, TaskPanicked, ThreadSpawner};
