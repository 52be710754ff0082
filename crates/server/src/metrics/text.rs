//! Figures as families of samples, and Prometheus' text format (version 0.0.4) of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::MemoryReport;

/// Adds figures to `/metrics`, and perhaps a map of memory at `/memory`, each time they are asked for.
pub trait MetricsSource: Send + Sync {
    /// Adds the figures of now. Should not block for long: it runs on one of the threads for queries.
    fn collect(&self, out: &mut Metrics);

    /// What memory is used for, for the page `/memory`; its sums are added to the figures. None where there is
    /// no budget to tell of.
    fn memory(&self) -> Option<MemoryReport> {
        None
    }
}

/// Figures, by name.
#[derive(Debug, Default)]
pub struct Metrics {
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    help: String,
    samples: Vec<(String, f64)>,
}

impl Metrics {
    /// Adds a figure that only grows. Its name ends in `_total` by custom, in `_bytes_total` or
    /// `_seconds_total` where it has a unit. `labels` tell it from others of its name.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add("counter", name, help, labels, value);
    }

    /// Adds a figure that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add("gauge", name, help, labels, value);
    }

    fn add(&mut self, kind: &'static str, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family {
            kind,
            help: escape(help, false),
            samples: Vec::new(),
        });
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value, true))).collect();
        family.samples.push((labels.join(","), value));
    }

    /// The text that Prometheus reads.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
            for (labels, value) in &family.samples {
                let _ = match labels.as_str() {
                    "" => writeln!(text, "{name} {value}"),
                    labels => writeln!(text, "{name}{{{labels}}} {value}"),
                };
            }
        }
        text
    }
}

fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let mut metrics = Metrics::default();
        metrics.gauge("b_bytes", "Bytes.", &[], 5.0);
        metrics.counter("a_total", "All\nof it.", &[("kind", "x\"y\\")], 1.5);
        metrics.counter("a_total", "All of it.", &[("kind", "z")], 2.0);
        let expected = [
            "# HELP a_total All\\nof it.",
            "# TYPE a_total counter",
            "a_total{kind=\"x\\\"y\\\\\"} 1.5",
            "a_total{kind=\"z\"} 2",
            "# HELP b_bytes Bytes.",
            "# TYPE b_bytes gauge",
            "b_bytes 5\n",
        ]
        .join("\n");
        assert_eq!(metrics.to_text(), expected);
    }
}
