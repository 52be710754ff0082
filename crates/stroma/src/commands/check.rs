//! `stroma check`: reads every byte of the database and verifies every checksum.

use serde_json::json;

use super::run::{open_existing, print_json};
use crate::arguments::Check;
use crate::failure::{Failure, Result};

pub(super) fn run(arguments: &Check) -> Result<()> {
    let database = open_existing(&arguments.data)?;
    let report = database.check()?;
    if arguments.json {
        let damaged = report.damaged.iter().map(|damage| json!({"file": damage.file, "what": damage.what}));
        print_json(
            &json!({"files": report.files, "bytes": report.bytes, "damaged": damaged.collect::<Vec<_>>()}),
        )?;
    } else {
        for damage in &report.damaged {
            println!("damaged  {}: {}", damage.file, damage.what);
        }
        println!("checked  {} files, {}", report.files, crate::output::bytes(report.bytes));
    }
    match report.damaged.len() {
        0 => Ok(()),
        1 => Err(Failure::Damaged("1 file is".into())),
        many => Err(Failure::Damaged(format!("{many} files are"))),
    }
}
