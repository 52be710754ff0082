//! The part `warm`: lookups and scans when everything is in memory, and construction.

use std::hint::black_box;

use stroma_bench_allocators::Resident;

use super::files::{ABSENT, EXTREME, Folder, PRESENT, Questions};
use super::subject::{Answer, BATCH, Subject, sum_at};
use crate::Outcome;
use crate::measure::{Cost, timed};
use crate::process::Figures;

/// Metrics that say what a subject is worth: by these the front is drawn.
pub(crate) const TIMES: [&str; 3] = ["independent lookup", "dependent lookup", "lookup in a batch of 32"];
pub(crate) const MEMORY: &str = "memory beside the keys";
pub(super) const WRONG: &str = "wrong answers";
pub(super) const SCAN_KEYS: usize = 100;
/// Less than this is told apart from what the process had already by chance.
pub(super) const LEAST_GAIN: u64 = 1 << 20;
/// One scan for so many lookups.
const LOOKUPS_PER_SCAN: usize = 10;

/// An odd number by whose product a small difference reaches all upper bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// One subject on one set.
pub(super) struct Work<'a> {
    /// The set, which is the case of all figures.
    pub(super) case: &'a str,
    pub(super) keys: &'a [u64],
    pub(super) runs: usize,
    present: Questions,
    absent: Questions,
    extreme: Questions,
}

impl<'a> Work<'a> {
    pub(super) fn new(case: &'a str, folder: &Folder, keys: &'a [u64], runs: usize) -> Outcome<Work<'a>> {
        let [present, absent, extreme] = [PRESENT, ABSENT, EXTREME].map(|name| folder.questions(name));
        Ok(Work { case, keys, runs, present: present?, absent: absent?, extreme: extreme? })
    }

    fn answer<S: Subject>(&self, position: u64) -> u64 {
        match S::ANSWER {
            Answer::Position => position,
            Answer::Key => self.keys.get(position as usize).copied().unwrap_or(u64::MAX),
        }
    }

    /// Measures a subject: builds it once, checks each of its answers, then takes the times so often.
    pub(super) fn measure<S: Subject>(
        &self,
        build: impl FnOnce(&'a [u64]) -> Outcome<S>,
    ) -> Outcome<Figures> {
        let mut figures = Figures::default();
        let memory = Resident::begin();
        let (subject, cost) = timed(|| build(self.keys))?;
        let count = self.keys.len() as f64;
        let gained = memory.gained_bytes();
        if subject.bytes() != Some(0) {
            figures.add(self.case, "construction, a key", cost.process * 1e9 / count, "ns");
        }
        let held = if S::HOLDS_KEYS { 8 * self.keys.len() as u64 } else { 0 };
        let measured = (gained >= LEAST_GAIN).then(|| gained.saturating_sub(held));
        if let Some(bytes) = subject.bytes().or(measured) {
            figures.add(self.case, MEMORY, bytes as f64 / count, "bytes a key");
        }
        if let Some(text) = subject.explanation() {
            figures.note(&format!("{}: {}", self.case, text.replace('\n', "; ")));
        }
        let wrong = self.count_wrong(&subject);
        figures.add(self.case, WRONG, wrong as f64, "answers");
        // Who answers few questions does less work; a few wrong answers leave the work the same.
        let is_useless = wrong > self.present.keys.len() / 100;
        for _ in 0..if is_useless { 0 } else { self.runs } {
            self.take_times(&subject, &mut figures)?;
        }
        Ok(figures)
    }

    fn count_wrong<S: Subject>(&self, subject: &S) -> usize {
        let lists = [&self.present, &self.absent, &self.extreme];
        let mut wrong = 0;
        for list in &lists[..if S::HAS_LOWER_BOUNDS { 3 } else { 1 }] {
            let right = |at: usize| self.answer::<S>(list.positions[at]);
            wrong +=
                (0..list.keys.len()).filter(|at| subject.lower_bound(list.keys[*at]) != right(*at)).count();
            if S::HAS_BATCHES {
                for (batch, keys) in list.keys.as_chunks::<BATCH>().0.iter().enumerate() {
                    let mut found = [0; BATCH];
                    subject.lower_bounds(keys, &mut found);
                    wrong += (0..BATCH).filter(|at| found[*at] as u64 != right(batch * BATCH + at)).count();
                }
            }
        }
        for (key, position) in self.present.keys.iter().zip(&self.present.positions).step_by(LOOKUPS_PER_SCAN)
        {
            let expected = sum_at(self.keys, *position as usize, SCAN_KEYS);
            wrong += usize::from(subject.sum_from(*key, SCAN_KEYS).is_some_and(|sum| sum != expected));
        }
        wrong
    }

    fn take_times<S: Subject>(&self, subject: &S, figures: &mut Figures) -> Outcome {
        let (present, absent) = (&self.present.keys[..], &self.absent.keys[..]);
        let mut add = |metric: &str, operations: usize, cost: Cost| {
            figures.add(self.case, metric, cost.thread * 1e9 / operations as f64, "ns");
        };
        let (_, cost) = timed(|| Ok(independent(subject, present)))?;
        add(TIMES[0], present.len(), cost);
        let right: Vec<u64> =
            self.present.positions.iter().map(|position| self.answer::<S>(*position)).collect();
        let (_, cost) = timed(|| Ok(dependent(subject, present, &right)))?;
        add(TIMES[1], dependent_questions(present), cost);
        if S::HAS_BATCHES {
            let (batches, _) = present.as_chunks::<BATCH>();
            let (_, cost) = timed(|| {
                batched(subject, batches);
                Ok(())
            })?;
            add(TIMES[2], batches.len() * BATCH, cost);
        }
        if S::HAS_LOWER_BOUNDS {
            let (_, cost) = timed(|| Ok(independent(subject, absent)))?;
            add("lower bound of an absent key", absent.len(), cost);
        }
        let starts = &present[..present.len().div_ceil(LOOKUPS_PER_SCAN)];
        if subject.sum_from(0, SCAN_KEYS).is_some() {
            let (_, cost) = timed(|| Ok(scans(subject, starts)))?;
            add("scan of 100 keys", starts.len(), cost);
        }
        Ok(())
    }
}

/// Lookups that may overlap.
fn independent<S: Subject>(subject: &S, keys: &[u64]) -> u64 {
    keys.iter().fold(0, |sum, key| sum.wrapping_add(subject.lower_bound(*key)))
}

/// How many of the questions are asked one after another: a power of two.
fn dependent_questions(keys: &[u64]) -> usize {
    1 << keys.len().max(1).ilog2()
}

/// Lookups of which each begins with the answer to the one before: what that is off from the right answer, which is
/// nothing, decides which key is next.
///
/// It decides it by being spread over all questions, so that an answer that a processor merely guessed leads to a key
/// that is nowhere near. Were the next key the same whatever the answer, a search that branches would go on to it,
/// and ask memory for it, before it knew its answer.
fn dependent<S: Subject>(subject: &S, keys: &[u64], right: &[u64]) -> usize {
    let questions = dependent_questions(keys);
    (0..questions).fold(0, |at, _| {
        let off = subject.lower_bound(keys[at]) ^ right[at];
        ((at + 1) ^ (off.wrapping_mul(SPREAD) >> 32) as usize) & (questions - 1)
    })
}

fn batched<S: Subject>(subject: &S, batches: &[[u64; BATCH]]) {
    let mut found = [0; BATCH];
    for keys in batches {
        subject.lower_bounds(keys, &mut found);
        black_box(&found);
    }
}

fn scans<S: Subject>(subject: &S, keys: &[u64]) -> u64 {
    let sum = |key: &u64| subject.sum_from(*key, SCAN_KEYS).unwrap_or(0);
    keys.iter().map(sum).fold(0, u64::wrapping_add)
}
