//! Turns the written figures into pictures: one for each suite and metric, and for `index` one for each set of keys.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use super::chart::{Bar, chart};
use super::curve::{Curve, curves};
use super::json::folder;
use super::scatter::{Dot, Panel, scatter};
use crate::Outcome;
use crate::index::{COLD, COLD_BYTES, MEMORY, READ_ALONE, TIMES};

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
    if rows.first().is_some_and(|row| text(row, "suite") == GROWN) {
        return plot_curves(path, &rows);
    }
    let mut clouds = 0;
    for cloud in &CLOUDS {
        clouds += plot_cloud(path, &rows, cloud)?;
    }
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

/// The figures of a collection that grows, which an example of `stroma-sequence` writes: each case is a number of
/// samples.
const GROWN: &str = "grown";

/// One picture, with a panel for each figure that was measured at several sizes.
fn plot_curves(path: &Path, rows: &[Value]) -> Outcome<usize> {
    let mut drawn: Vec<Curve<'_>> = Vec::new();
    for row in rows {
        let size = text(row, "case").split(' ').next().and_then(|count| count.parse::<f64>().ok());
        let (Some(size), Some(value)) = (size, row.get("value").and_then(Value::as_f64)) else { continue };
        let (title, unit) = (text(row, "metric"), text(row, "unit"));
        match drawn.iter_mut().find(|curve| curve.title == title) {
            Some(curve) => curve.points.push((size, value)),
            None => drawn.push(Curve { title, unit, points: vec![(size, value)] }),
        }
    }
    drawn.retain(|curve| curve.points.len() > 1);
    let settings = rows.iter().find(|row| text(row, "metric") == "settings");
    let settings = settings.map(|row| text(row, "value")).unwrap_or_default();
    let picture = path.with_extension("svg");
    std::fs::write(&picture, curves(&format!("A collection that grows: {settings}"), &drawn))?;
    println!("{}", picture.display());
    Ok(1)
}

/// What is drawn against what, a dot a subject.
struct Cloud {
    across: &'static str,
    across_axis: &'static str,
    /// A panel for each.
    up: &'static [&'static str],
    up_axis: &'static str,
    /// Endings of the names of these metrics: a subject was measured in each of these ways.
    ways: &'static [&'static str],
}

const CLOUDS: [Cloud; 2] = [
    Cloud {
        across: MEMORY,
        across_axis: "bytes a key beside the keys",
        up: &TIMES,
        up_axis: "nanoseconds",
        ways: &[""],
    },
    Cloud {
        across: COLD_BYTES,
        across_axis: "KiB read from the disk for a lookup",
        up: &[COLD],
        up_axis: "microseconds",
        ways: &["", READ_ALONE],
    },
];

/// A picture for each case in which both were measured; how many there are.
fn plot_cloud(path: &Path, rows: &[Value], cloud: &Cloud) -> Outcome<usize> {
    let mut cases: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| text(row, "metric") == cloud.across) {
        if !cases.contains(&text(row, "case")) {
            cases.push(text(row, "case"));
        }
    }
    for case in &cases {
        let panel = |title: &&'static str| {
            let dots = cloud.ways.iter().flat_map(|way| dots(rows, case, cloud.across, title, way)).collect();
            Panel { title, dots }
        };
        let panels: Vec<Panel<'_>> = cloud.up.iter().map(panel).collect();
        let picture = path.with_extension("").to_string_lossy().into_owned() + &format!("-{case}.svg");
        std::fs::write(&picture, scatter(case, cloud.across_axis, cloud.up_axis, &panels))?;
        println!("{picture}");
    }
    Ok(cases.len())
}

/// The subjects of a case that were measured in one way, both across and up.
fn dots<'a>(rows: &'a [Value], case: &str, across: &str, up: &str, way: &str) -> Vec<Dot<'a>> {
    let figures = |metric: &str| {
        let metric = format!("{metric}{way}");
        let of_case = rows.iter().filter(|row| text(row, "case") == case);
        of_case.filter(|row| text(row, "metric") == metric).collect::<Vec<&Value>>()
    };
    let value = |row: &Value| row.get("value").and_then(Value::as_f64);
    let costs = figures(across);
    let dot = |row: &'a Value| {
        let subject = text(row, "subject");
        let cost = costs.iter().find(|cost| text(cost, "subject") == subject)?;
        let subject = if way.is_empty() { Cow::from(subject) } else { Cow::from(format!("{subject}{way}")) };
        Some(Dot { subject, memory: value(cost)?, time: value(row)? })
    };
    figures(up).into_iter().filter_map(dot).collect()
}
