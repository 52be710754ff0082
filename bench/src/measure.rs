//! Keeps what several runs measured.

use std::borrow::Cow;

pub(crate) use stroma_bench_allocators::{Cost, timed};

/// The name under which our own figures stand.
pub(crate) const OURS: &str = "stromatolite";

/// What is measured: the identity of a row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) case: String,
    pub(crate) subject: String,
    pub(crate) metric: Cow<'static, str>,
    pub(crate) unit: Cow<'static, str>,
}

/// The figures of a suite, each with a value a run, in the order in which they first came.
pub(crate) struct Samples {
    pub(crate) suite: &'static str,
    figures: Vec<(Figure, Vec<f64>)>,
    /// What is to be told in words: about which subject, and what.
    pub(crate) notes: Vec<(String, String)>,
}

impl Samples {
    pub(crate) fn new(suite: &'static str) -> Samples {
        Samples { suite, figures: Vec::new(), notes: Vec::new() }
    }

    /// Adds what one run measured.
    pub(crate) fn add(
        &mut self,
        case: &str,
        subject: &str,
        metric: impl Into<Cow<'static, str>>,
        value: f64,
        unit: impl Into<Cow<'static, str>>,
    ) {
        let (metric, unit) = (metric.into(), unit.into());
        let figure = Figure { case: case.to_owned(), subject: subject.to_owned(), metric, unit };
        match self.figures.iter_mut().find(|(other, _)| *other == figure) {
            Some((_, values)) => values.push(value),
            None => self.figures.push((figure, vec![value])),
        }
    }

    /// Adds something that is no figure, such as why there is none.
    pub(crate) fn note(&mut self, subject: &str, text: String) {
        self.notes.push((subject.to_owned(), text));
    }

    /// Adds how many thousand operations a second there were, by the wall and by the thread's own time.
    pub(crate) fn add_rate(&mut self, case: &str, subject: &str, operations: u64, cost: Cost) {
        let thousands = operations as f64 / 1000.0;
        self.add(case, subject, "rate", thousands / cost.wall, "1000/s");
        self.add(case, subject, "rate of the thread", thousands / cost.thread, "1000/cpu s");
    }

    /// Adds the processor time of an operation in nanoseconds.
    pub(crate) fn add_time(&mut self, case: &str, subject: &str, operations: u64, cost: Cost) {
        self.add(case, subject, "time", cost.thread * 1e9 / operations as f64, "ns");
    }

    /// Every figure with the median of its values.
    pub(crate) fn medians(&self) -> impl Iterator<Item = (&Figure, f64)> {
        self.figures.iter().map(|(figure, values)| (figure, median(values)))
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_runs_is_what_counts() {
        let mut samples = Samples::new("test");
        for value in [9.0, 1.0, 2.0] {
            samples.add("case", OURS, "rate", value, "1000/s");
        }
        samples.add("case", "peer", "rate", 4.0, "1000/s");
        samples.add("case", "peer", "rate", 6.0, "1000/s");
        let medians: Vec<f64> = samples.medians().map(|(_, value)| value).collect();
        assert_eq!(medians, [2.0, 5.0]);
    }
}
