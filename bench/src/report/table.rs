//! Lays figures out for people: a table for each metric, a line a case, a column a subject.

use std::fmt::Write;

use super::is_more_better;
use crate::measure::{OURS, Samples};

/// A value in as many digits as one reads.
pub(super) fn readable(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.1 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn distinct<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// Whether it is ours, or a variant of ours such as `stromatolite, lz4`, which is no peer.
fn is_ours(subject: &str) -> bool {
    subject.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
}

/// How far ours is ahead of the best peer (above 1) or behind (below 1).
fn ahead(ours: f64, peers: &[f64], unit: &str) -> Option<f64> {
    let more = is_more_better(unit);
    let best = peers.iter().copied().reduce(if more { f64::max } else { f64::min })?;
    let ratio = if more { ours / best } else { best / ours };
    // Nothing against something tells nothing.
    (ratio > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// The tables of a suite, in Markdown. `ahead` is ours against the best peer: above 1 is won.
pub(crate) fn table(samples: &Samples) -> String {
    let figures: Vec<_> = samples.medians().collect();
    let mut text = String::new();
    for metric in distinct(figures.iter().map(|(figure, _)| &*figure.metric)) {
        let of_metric: Vec<_> = figures.iter().filter(|(figure, _)| figure.metric == metric).collect();
        let unit = of_metric.first().map_or("", |(figure, _)| &*figure.unit);
        let subjects = distinct(of_metric.iter().map(|(figure, _)| figure.subject.as_str()));
        let _ = writeln!(text, "| {metric}, {unit} | {} | ahead |", subjects.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(subjects.len() + 1));
        for case in distinct(of_metric.iter().map(|(figure, _)| figure.case.as_str())) {
            let value_of = |subject: &str| {
                let found = of_metric.iter().find(|(f, _)| f.case == case && f.subject == subject);
                found.map(|(_, value)| *value)
            };
            let cells = subjects.iter().map(|subject| value_of(subject).map_or("".into(), readable));
            let peers: Vec<f64> =
                subjects.iter().filter(|s| !is_ours(s)).filter_map(|s| value_of(s)).collect();
            let ratio = value_of(OURS).and_then(|ours| ahead(ours, &peers, unit));
            let ratio = ratio.map_or("".into(), readable);
            let _ = writeln!(text, "| {case} | {} | {ratio} |", cells.collect::<Vec<_>>().join(" | "));
        }
        text.push('\n');
    }
    for (subject, note) in &samples.notes {
        let _ = writeln!(text, "- {subject}: {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ahead_means_more_of_a_rate_and_less_of_a_size() {
        let mut samples = Samples::new("test");
        for (subject, rate, size) in
            [(OURS, 200.0, 50.0), ("stromatolite, lz4", 500.0, 1.0), ("a", 100.0, 200.0), ("b", 400.0, 100.0)]
        {
            samples.add("get", subject, "rate", rate, "1000/s");
            samples.add("disk", subject, "size", size, "MiB");
        }
        let text = table(&samples);
        assert!(text.contains("| rate, 1000/s | stromatolite | stromatolite, lz4 | a | b | ahead |"));
        assert!(text.contains("| get | 200 | 500 | 100 | 400 | 0.50 |"));
        assert!(text.contains("| disk | 50.0 | 1.00 | 200 | 100 | 2.00 |"));
    }
}
