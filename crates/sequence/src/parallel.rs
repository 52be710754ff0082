//! Runs pieces of one call's work on several threads, and takes their results in order.
//!
//! The threads end before the call does, share nothing but what they are lent, and give the same results in the
//! same order whatever their number and schedule; so they come from the standard library and not through the seam
//! for background work.

use std::collections::BTreeMap;

use parking_lot::{Condvar, Mutex};

/// What workers and the taker of results share.
struct Shared<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

struct State<R> {
    /// The next piece to be worked on.
    next: u32,
    /// Pieces before this one were taken.
    taken: u32,
    ready: BTreeMap<u32, R>,
    /// Nobody takes or gives anything any more.
    stopped: bool,
}

/// Stops everything when it is dropped: at the end, at an error, in a panic.
struct Stop<'a, R>(&'a Shared<R>);

impl<R> Drop for Stop<'_, R> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Stops everything if it is dropped by a panic.
struct StopInPanic<'a, R>(&'a Shared<R>);

impl<R> Drop for StopInPanic<'_, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

impl<R> Shared<R> {
    fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// The next piece, as soon as not too many others wait to be taken.
    fn next_piece(&self, count: u32, ahead: u32) -> Option<u32> {
        let mut state = self.state.lock();
        loop {
            if state.stopped || state.next >= count {
                return None;
            }
            if state.next < state.taken + ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            self.changed.wait(&mut state);
        }
    }

    fn give(&self, piece: u32, result: R) {
        self.state.lock().ready.insert(piece, result);
        self.changed.notify_all();
    }

    /// The result of a piece, as soon as it is there; none if the workers stopped without it.
    fn take(&self, piece: u32) -> Option<R> {
        let mut state = self.state.lock();
        loop {
            if let Some(result) = state.ready.remove(&piece) {
                state.taken = piece + 1;
                drop(state);
                self.changed.notify_all();
                return Some(result);
            }
            if state.stopped {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

/// Works on the pieces `0..count`, on up to `threads` threads, and hands each result to `take`, on this thread, in
/// the order of the pieces. At most one result more than there are threads waits to be taken. Ends with the first
/// error, by the order of the pieces.
pub(crate) fn in_order<R: Send, E: Send>(
    threads: usize,
    count: u32,
    work: impl Fn(u32) -> Result<R, E> + Sync,
    mut take: impl FnMut(u32, R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.min(count as usize);
    if threads <= 1 {
        return (0..count).try_for_each(|piece| take(piece, work(piece)?));
    }
    let state = State { next: 0, taken: 0, ready: BTreeMap::new(), stopped: false };
    let shared: Shared<Result<R, E>> = Shared { state: Mutex::new(state), changed: Condvar::new() };
    let ahead = threads as u32 + 1;
    let body = || {
        let stop = StopInPanic(&shared);
        while let Some(piece) = shared.next_piece(count, ahead) {
            shared.give(piece, work(piece));
        }
        drop(stop);
    };
    std::thread::scope(|scope| {
        let _stop = Stop(&shared);
        let start = |number: usize| {
            let name = format!("sequence-{number}");
            std::thread::Builder::new().name(name).spawn_scoped(scope, body).is_ok()
        };
        if (0..threads).filter(|&number| start(number)).count() == 0 {
            // No thread is to be had: this one does it all.
            return (0..count).try_for_each(|piece| take(piece, work(piece)?));
        }
        for piece in 0..count {
            let Some(result) = shared.take(piece) else { break };
            take(piece, result?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for threads in [0, 1, 2, 7, 100] {
            let mut taken = Vec::new();
            let outcome = in_order(
                threads,
                50,
                |piece| Ok::<u32, ()>(piece * piece),
                |piece, square| {
                    taken.push((piece, square));
                    Ok(())
                },
            );
            assert_eq!(outcome, Ok(()));
            assert!(taken.into_iter().eq((0..50).map(|piece| (piece, piece * piece))), "{threads} threads");
        }
    }

    #[test]
    fn the_first_error_ends_it_whoever_makes_it() {
        for threads in [1, 3] {
            let work = |piece| if piece % 10 == 7 { Err(piece) } else { Ok(piece) };
            assert_eq!(in_order(threads, 50, work, |_, _| Ok(())), Err(7));
            assert_eq!(
                in_order(threads, 50, work, |_, piece| if piece == 3 { Err(3) } else { Ok(()) }),
                Err(3)
            );
        }
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_of_a_worker_is_not_waited_for() {
        let work = |piece| if piece == 5 { panic!("on purpose") } else { Ok::<u32, ()>(piece) };
        let _ = in_order(2, 50, work, |_, _| Ok(()));
    }
}
