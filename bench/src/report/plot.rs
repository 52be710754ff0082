//! Turns the written figures into pictures: one for each suite and metric, and for `index` one for each set of keys.

use std::path::Path;

use serde_json::Value;

use super::chart::{Bar, chart};
use super::json::folder;
use super::scatter::{Dot, Panel, scatter};
use crate::Outcome;
use crate::index::{MEMORY, TIMES};

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or("")
}

/// Draws every file of figures there is.
pub(crate) fn plot_all() -> Outcome {
    let mut drawn = 0;
    for folder in [folder(false), folder(true)] {
        let Ok(files) = std::fs::read_dir(&folder) else { continue };
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                drawn += plot(&path)?;
            }
        }
    }
    if drawn == 0 {
        return Err("no figures in `results/` yet: run a suite first".into());
    }
    Ok(())
}

/// Draws the figures of one file; how many pictures that gave.
fn plot(path: &Path) -> Outcome<usize> {
    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path)?)
        .map_err(|error| format!("{} is no list of figures: {error}", path.display()))?;
    let clouds = plot_against_memory(path, &rows)?;
    let mut metrics: Vec<(&str, &str)> = Vec::new();
    for row in rows.iter().filter(|row| row.get("value").is_some_and(Value::is_number)) {
        let metric = (text(row, "metric"), text(row, "unit"));
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    for (metric, unit) in &metrics {
        let bars: Vec<Bar> = rows
            .iter()
            .filter(|row| text(row, "metric") == *metric && text(row, "unit") == *unit)
            .filter_map(|row| {
                let value = row.get("value")?.as_f64()?;
                Some(Bar { case: text(row, "case"), subject: text(row, "subject"), value })
            })
            .collect();
        let suite = rows.first().map_or("", |row| text(row, "suite"));
        let picture = path.with_file_name(format!("{suite}-{}.svg", metric.replace([' ', '/'], "-")));
        std::fs::write(&picture, chart(&format!("{suite}: {metric}"), unit, &bars))?;
        println!("{}", picture.display());
    }
    Ok(metrics.len() + clouds)
}

/// A picture of time against memory for each case in which both were measured; how many there are.
fn plot_against_memory(path: &Path, rows: &[Value]) -> Outcome<usize> {
    let of = |metric: &'static str| rows.iter().filter(move |row| text(row, "metric") == metric);
    let value = |row: &Value| row.get("value").and_then(Value::as_f64);
    let mut cases: Vec<&str> = Vec::new();
    for row in of(MEMORY) {
        if !cases.contains(&text(row, "case")) {
            cases.push(text(row, "case"));
        }
    }
    for case in &cases {
        let panels: Vec<Panel<'_>> = TIMES
            .iter()
            .map(|metric| {
                let dot = |row| {
                    let subject = text(row, "subject");
                    let memory =
                        of(MEMORY).find(|m| text(m, "case") == *case && text(m, "subject") == subject)?;
                    Some(Dot { subject, memory: value(memory)?, time: value(row)? })
                };
                let dots = of(metric).filter(|row| text(row, "case") == *case).filter_map(dot).collect();
                Panel { title: metric, dots }
            })
            .collect();
        let picture = path.with_extension("").to_string_lossy().into_owned() + &format!("-{case}.svg");
        let drawn = scatter(case, "bytes a key beside the keys", "nanoseconds", &panels);
        std::fs::write(&picture, drawn)?;
        println!("{picture}");
    }
    Ok(cases.len())
}
