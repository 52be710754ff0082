//! Turns the written figures into pictures, one for each suite and metric.

use std::path::Path;

use serde_json::Value;

use super::chart::{Bar, chart};
use super::json::folder;
use crate::Outcome;

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
    Ok(metrics.len())
}
