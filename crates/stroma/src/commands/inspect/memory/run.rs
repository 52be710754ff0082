//! From the address on the command line to the drawing.

use std::io::Write;

use super::draw;
use super::fetch::{Address, fetch};
use super::report::Report;
use crate::commands::run::standard_output;
use crate::failure::{Failure, Result};
use crate::output::terminal_width;

/// Where the server tells of its memory.
const PATH: &str = "/memory";

/// Draws the memory of the server whose HTTP port is at `url`, or prints what it answered.
pub(in crate::commands::inspect) fn run(url: &str, as_json: bool) -> Result<()> {
    let address = Address::parse(url)?;
    let body = fetch(&address, PATH)?;
    let report = Report::parse(&body)
        .map_err(|what| address.failure(format!("its answer is no map of memory: {what}")))?;
    let mut output = standard_output();
    if as_json {
        return writeln!(output, "{:#}", report.source)
            .and_then(|()| output.flush())
            .map_err(Failure::output);
    }
    let drawing = draw::draw(&address.to_string(), &report, terminal_width());
    output.write_all(drawing.as_bytes()).and_then(|()| output.flush()).map_err(Failure::output)
}
