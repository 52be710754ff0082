//! The workloads W1 to W8: fill, delete a share, fill with other sizes.

use std::ops::RangeInclusive;

use crate::Outcome;
use crate::random::Random;
use crate::subject::Subject;

/// Sizes of objects before and after a share of them is deleted.
#[derive(Debug)]
pub struct Workload {
    /// As the paper calls it.
    pub name: &'static str,
    before: RangeInclusive<u64>,
    deleted_percent: u64,
    /// None: the workload ends after the first phase.
    after: Option<RangeInclusive<u64>>,
}

const fn workload(
    name: &'static str,
    before: RangeInclusive<u64>,
    deleted_percent: u64,
    after: Option<RangeInclusive<u64>>,
) -> Workload {
    Workload { name, before, deleted_percent, after }
}

/// Those of the paper.
pub const WORKLOADS: [Workload; 8] = [
    workload("W1", 100..=100, 0, None),
    workload("W2", 100..=100, 0, Some(130..=130)),
    workload("W3", 100..=100, 90, Some(130..=130)),
    workload("W4", 100..=150, 0, Some(200..=250)),
    workload("W5", 100..=150, 90, Some(200..=250)),
    workload("W6", 100..=200, 50, Some(1000..=2000)),
    workload("W7", 1000..=2000, 90, Some(1500..=2500)),
    workload("W8", 50..=150, 90, Some(5000..=15000)),
];

/// What the workload knows of the live objects: handle and size.
pub(crate) struct Live<S: Subject> {
    pub(crate) subject: S,
    pub(crate) objects: Vec<(S::Handle, u32)>,
    /// Of all live objects together.
    pub(crate) bytes: u64,
    pub(crate) puts: u64,
    /// Of all objects ever put.
    pub(crate) put_bytes: u64,
    random: Random,
}

/// Room for the most objects there can be. It is written once, so that it is not counted as the subject's
/// memory; the compiler must not see that nobody reads it.
pub(crate) fn room_for_objects<H: Clone + Default>(live_bytes: u64, workload: &Workload) -> Vec<(H, u32)> {
    let mut objects = vec![(H::default(), 1); (live_bytes / workload.before.start()) as usize + 1];
    std::hint::black_box(&mut objects).clear();
    objects
}

impl<S: Subject> Live<S> {
    pub(crate) fn new(subject: S, objects: Vec<(S::Handle, u32)>, seed: u64) -> Live<S> {
        Live { subject, objects, bytes: 0, puts: 0, put_bytes: 0, random: Random(seed) }
    }

    fn remove_one(&mut self) -> Outcome {
        let victim = self.random.below(self.objects.len() as u64) as usize;
        let (handle, size) = self.objects.swap_remove(victim);
        self.bytes -= u64::from(size);
        self.subject.remove(handle)
    }

    /// Puts five times `target` bytes, deleting at random so that at most `target` are live.
    fn churn(&mut self, target: u64, sizes: &RangeInclusive<u64>) -> Outcome {
        let object = vec![0x5a; *sizes.end() as usize];
        let mut put = 0;
        while put < 5 * target {
            let size = sizes.start() + self.random.below(sizes.end() - sizes.start() + 1);
            while self.bytes + size > target {
                self.remove_one()?;
            }
            let handle = self.subject.put(self.puts, &object[..size as usize])?;
            self.objects.push((handle, size as u32));
            self.bytes += size;
            self.puts += 1;
            put += size;
        }
        self.put_bytes += put;
        Ok(())
    }

    /// Does a workload from an empty subject on.
    pub(crate) fn work(&mut self, target: u64, workload: &Workload) -> Outcome {
        self.churn(target, &workload.before)?;
        let Some(after) = &workload.after else { return self.subject.finish() };
        let keep = self.objects.len() as u64 * (100 - workload.deleted_percent) / 100;
        while self.objects.len() as u64 > keep {
            self.remove_one()?;
        }
        self.churn(target, after)?;
        self.subject.finish()
    }
}
