//! A scheduler that lets a reader pause wherever it can, for as long as it can.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// By how many steps of the inserter the pauses at one step of the reader differ.
const APART: usize = 3;

/// Schedules of a model in which the first thread inserts and starts one other, which reads: the reader goes some
/// steps, then the inserter goes some, then the reader to its end, and the inserter last. The reader pauses at each of
/// its steps, and for each length of a pause up to the inserter's end but that these are [`APART`], beginning with
/// another one at the next step: all of them would take that many times as long.
///
/// The inserter stands still until the reader ends, so these also show that readers wait for nobody.
#[derive(Debug, Default)]
pub(super) struct PausingReader {
    /// Steps that the reader is to go before its pause, and the inserter during it; none before the first schedule.
    pause: Option<(usize, usize)>,
    /// What is left of each in the schedule that runs.
    before: usize,
    during: usize,
    reader_began: bool,
    /// Who ended before its steps, or the reader before those of the pause, were used up.
    ended: Option<Thread>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    Inserter,
    Reader,
}

impl Scheduler for PausingReader {
    fn new_execution(&mut self) -> Option<Schedule> {
        let (before, during) = match (self.pause, self.ended) {
            (None, _) => (0, 0),
            (_, Some(Thread::Reader)) => return None,
            (Some((before, _)), Some(Thread::Inserter)) => (before + 1, (before + 1) % APART),
            (Some((before, during)), None) => (before, during + APART),
        };
        *self = PausingReader { pause: Some((before, during)), before, during, ..Default::default() };
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        let is_inserter = |task: &TaskId| usize::from(*task) == 0;
        let inserter = runnable.iter().map(|task| task.id()).find(is_inserter);
        let reader = runnable.iter().map(|task| task.id()).find(|task| !is_inserter(task));
        self.reader_began |= reader.is_some();
        let reads = match (inserter, reader) {
            (Some(_), Some(_)) => self.reader_is_next(),
            _ => {
                let goes_on_alone = reader.is_some();
                if goes_on_alone && self.during > 0 {
                    self.ended.get_or_insert(Thread::Inserter);
                } else if self.reader_began && self.before + self.during > 0 {
                    self.ended.get_or_insert(Thread::Reader);
                }
                goes_on_alone
            }
        };
        if reads { reader } else { inserter }
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

impl PausingReader {
    /// Whether the next step of two threads that both can go on is the reader's.
    fn reader_is_next(&mut self) -> bool {
        let (before, during) = (self.before, self.during);
        self.before = before.saturating_sub(1);
        if before == 0 {
            self.during = during.saturating_sub(1);
        }
        before > 0 || during == 0
    }
}
