//! One file: what it is, what it says of itself, whether its checksums hold.

use std::path::Path;

use serde_json::{Map, Value, json};
use stromatolite::inspect_file;

use crate::commands::run::print_json;
use crate::failure::{Failure, Result};

pub(super) fn inspect(path: &Path, as_json: bool) -> Result<()> {
    let report = inspect_file(path)?;
    let state = match &report.damage {
        None => "whole: every checksum holds".to_owned(),
        Some(damage) => format!("DAMAGED: {damage}"),
    };
    if as_json {
        let facts: Map<String, Value> =
            report.facts.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        print_json(&json!({
            "file": path.display().to_string(), "kind": report.kind, "bytes": report.bytes,
            "facts": facts, "damage": report.damage,
        }))?;
    } else {
        println!("{}: {}, {}", path.display(), report.kind, crate::output::bytes(report.bytes));
        for (name, value) in &report.facts {
            println!("  {name:<20} {value}");
        }
        println!("  {:<20} {state}", "state");
    }
    if report.damage.is_some() { Err(Failure::Damaged(format!("{} is", path.display()))) } else { Ok(()) }
}
