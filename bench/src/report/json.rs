//! Writes `results/<suite>.json`: one row a figure, and rows for what the figures depend on.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::Samples;

/// The folder of the figures; quick ones have their own, so that they never replace real ones.
pub(super) fn folder(quick: bool) -> PathBuf {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    if quick { results.join("quick") } else { results }
}

/// Writes the medians, a row a line, and tells where.
pub(crate) fn write(
    samples: &Samples,
    facts: &[(&'static str, String)],
    settings: &Settings,
) -> Outcome<PathBuf> {
    let suite = samples.suite;
    let row = |case: &str, subject: &str, metric: &str, value: Value, unit: &str| {
        json!({
            "suite": suite, "case": case, "subject": subject,
            "metric": metric, "value": value, "unit": unit,
        })
    };
    let mut rows: Vec<Value> =
        facts.iter().map(|(what, text)| row("run", "machine", what, json!(text), "text")).collect();
    rows.extend(samples.notes.iter().map(|(subject, text)| row("run", subject, "note", json!(text), "text")));
    rows.extend(samples.medians().map(|(figure, value)| {
        row(&figure.case, &figure.subject, &figure.metric, json!(rounded(value)), &figure.unit)
    }));
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let folder = folder(settings.quick);
    std::fs::create_dir_all(&folder)?;
    // A part has a file of its own, so that it does not replace the figures of the others.
    let part = settings.part.map(|part| format!("-{part}")).unwrap_or_default();
    let path = folder.join(format!("{suite}{part}.json"));
    std::fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n")))?;
    Ok(path)
}

/// Five digits, which is more than a measurement knows.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}
