//! One file: what it is, what it says of itself, whether its checksums hold.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use stromatolite::lsm::Encryption;
use stromatolite::{FileReport, inspect_file_with};

use crate::commands::run::{print_json, standard_output};
use crate::failure::{Failure, Result};

pub(super) fn inspect(paths: &[PathBuf], keys: Option<&Encryption>, as_json: bool) -> Result<()> {
    let mut reports = Vec::with_capacity(paths.len());
    for path in paths {
        reports.push((path.as_path(), inspect_file_with(path, keys)?));
    }
    if as_json {
        let mut values: Vec<Value> = reports.iter().map(|(path, report)| to_json(path, report)).collect();
        let value = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        print_json(&value)?;
    } else {
        let mut output = standard_output();
        let written = reports.iter().try_for_each(|(path, report)| write_report(&mut output, path, report));
        written.and_then(|()| output.flush()).map_err(Failure::output)?;
    }
    let damaged: Vec<String> = reports
        .iter()
        .filter(|(_, report)| report.damage.is_some())
        .map(|(path, _)| path.display().to_string())
        .collect();
    match damaged.len() {
        0 => Ok(()),
        1 => Err(Failure::Damaged(format!("{} is", damaged[0]))),
        _ => Err(Failure::Damaged(format!("{} are", damaged.join(", ")))),
    }
}

fn to_json(path: &Path, report: &FileReport) -> Value {
    let facts: Map<String, Value> =
        report.facts.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    json!({
        "file": path.display().to_string(), "kind": report.kind, "bytes": report.bytes,
        "facts": facts, "damage": report.damage,
    })
}

fn write_report(output: &mut impl Write, path: &Path, report: &FileReport) -> std::io::Result<()> {
    let state = match &report.damage {
        None => "whole: every checksum holds".to_owned(),
        Some(damage) => format!("DAMAGED: {damage}"),
    };
    writeln!(output, "{}: {}, {}", path.display(), report.kind, crate::output::bytes(report.bytes))?;
    for (name, value) in &report.facts {
        writeln!(output, "  {name:<20} {value}")?;
    }
    writeln!(output, "  {:<20} {state}", "state")
}
