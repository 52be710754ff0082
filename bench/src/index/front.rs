//! Who is on the Pareto front of time against memory.

use super::warm::{MEMORY, TIMES};
use crate::measure::Samples;

/// Adds, for each set, kind of lookup and subject, its time over the best time among all that need no more memory:
/// 1 is on the front. Notes each front, the smallest first.
pub(super) fn add(samples: &mut Samples) {
    let figures: Vec<(String, String, String, f64)> = samples
        .medians()
        .map(|(figure, value)| {
            (figure.case.clone(), figure.subject.clone(), figure.metric.to_string(), value)
        })
        .collect();
    let of = |metric: &'static str| figures.iter().filter(move |(_, _, other, _)| other == metric);
    for metric in TIMES {
        let mut fronts: Vec<(String, Vec<(f64, String)>)> = Vec::new();
        for (case, subject, _, time) in of(metric) {
            let memory_of = |subject: &str| {
                of(MEMORY).find(|(c, s, _, _)| c == case && s == subject).map(|(_, _, _, bytes)| *bytes)
            };
            let Some(own) = memory_of(subject) else { continue };
            let rivals =
                of(metric).filter(|(c, s, _, _)| c == case && memory_of(s).is_some_and(|m| m <= own));
            let best = rivals.map(|(_, _, _, time)| *time).fold(*time, f64::min);
            samples.add(case, subject, format!("{metric}, over the front"), time / best, "times");
            if *time <= best {
                match fronts.iter_mut().find(|(other, _)| other == case) {
                    Some((_, front)) => front.push((own, subject.clone())),
                    None => fronts.push((case.clone(), vec![(own, subject.clone())])),
                }
            }
        }
        for (case, mut front) in fronts {
            front.sort_by(|a, b| a.0.total_cmp(&b.0));
            let names: Vec<&str> = front.iter().map(|(_, name)| name.as_str()).collect();
            samples.note("front", format!("{case}, {metric}: {}", names.join(" | ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slower_with_more_memory_is_behind_the_front() {
        let mut samples = Samples::new("test");
        for (subject, bytes, time) in [("small", 0.0, 90.0), ("good", 1.0, 30.0), ("bad", 2.0, 60.0)] {
            samples.add("set", subject, MEMORY, bytes, "bytes a key");
            samples.add("set", subject, TIMES[0], time, "ns");
        }
        add(&mut samples);
        let over: Vec<f64> = samples
            .medians()
            .filter(|(figure, _)| figure.metric.ends_with("over the front"))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(over, [1.0, 1.0, 2.0]);
        assert!(samples.notes[0].1.ends_with("small | good"));
    }
}
