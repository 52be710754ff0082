//! `stroma check`: reads every byte of the database and verifies every checksum.

use std::io::Write;

use serde_json::json;
use stromatolite::CheckReport;

use super::run::{open_to_read, print_json, standard_output};
use crate::arguments::Check;
use crate::failure::{Failure, Result};

pub(super) fn run(arguments: &Check) -> Result<()> {
    let report = match open_to_read(&arguments.data) {
        Ok(database) => database.check()?,
        // What keeps the database from being opened is what the check finds.
        Err(Failure::Database(error)) if error.is_damage() => {
            let file = arguments.data.folder.display().to_string();
            let damaged = vec![stromatolite::Damage { file, what: error.to_string() }];
            CheckReport { damaged, ..CheckReport::default() }
        }
        Err(failure) => return Err(failure),
    };
    if arguments.json {
        let damaged = report.damaged.iter().map(|damage| json!({"file": damage.file, "what": damage.what}));
        print_json(&json!({
            "files": report.files, "bytes": report.bytes, "cut_from_log": report.cut_from_log,
            "damaged": damaged.collect::<Vec<_>>(),
        }))?;
    } else {
        write_report(&report).map_err(Failure::output)?;
    }
    match report.damaged.len() {
        0 => Ok(()),
        1 => Err(Failure::Damaged("1 part is".into())),
        many => Err(Failure::Damaged(format!("{many} parts are"))),
    }
}

fn write_report(report: &CheckReport) -> std::io::Result<()> {
    let mut output = standard_output();
    for damage in &report.damaged {
        writeln!(output, "damaged  {}: {}", damage.file, damage.what)?;
    }
    if let Some(cut) = &report.cut_from_log {
        writeln!(output, "cut      {cut}")?;
    }
    writeln!(output, "checked  {} files, {}", report.files, crate::output::bytes(report.bytes))?;
    output.flush()
}
