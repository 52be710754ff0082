//! A place to wait until something may have changed, with a deadline on a [`Clock`].

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Clock;

/// A counter that threads can wait on: read the [`generation`](Event::generation), look at the state, and if
/// there is nothing to do wait for a later generation. A notification between the two is never lost.
#[derive(Debug, Default)]
pub struct Event {
    generation: Mutex<u64>,
    changed: Condvar,
}

impl Event {
    /// An event nobody has notified yet.
    pub fn new() -> Event {
        Event::default()
    }

    /// How often [`notify`](Event::notify) was called.
    pub fn generation(&self) -> u64 {
        *self.generation.lock()
    }

    /// Wakes everyone who waits.
    pub fn notify(&self) {
        *self.generation.lock() += 1;
        self.changed.notify_all();
    }

    /// Blocks until the generation is larger than `seen`; returns the one found.
    pub fn wait(&self, seen: u64) -> u64 {
        let mut generation = self.generation.lock();
        while *generation <= seen {
            self.changed.wait(&mut generation);
        }
        *generation
    }

    /// Blocks until the generation is larger than `seen` or `clock` reaches `deadline` (in terms of
    /// [`Clock::now`]); returns the generation found.
    pub fn wait_until(&self, seen: u64, clock: &dyn Clock, deadline: Duration) -> u64 {
        let mut generation = self.generation.lock();
        while *generation <= seen {
            let remaining = deadline.saturating_sub(clock.now());
            if remaining.is_zero() {
                break;
            }
            self.changed.wait_for(&mut generation, clock.longest_block(remaining));
        }
        *generation
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::runtime::{ManualClock, Spawner, ThreadSpawner};

    #[test]
    fn a_notification_before_the_wait_is_not_lost() {
        let event = Event::new();
        let seen = event.generation();
        event.notify();
        assert_eq!(event.wait(seen), seen + 1);
    }

    #[test]
    fn a_deadline_of_a_manual_clock_ends_the_wait() {
        let event = Arc::new(Event::new());
        let clock = Arc::new(ManualClock::new());
        let waiter = {
            let (event, clock) = (event.clone(), clock.clone());
            let body = move || assert_eq!(event.wait_until(0, &*clock, Duration::from_secs(60)), 0);
            ThreadSpawner.spawn("waiter", Box::new(body)).unwrap()
        };
        clock.advance(Duration::from_secs(61));
        waiter.join().unwrap();
    }
}
