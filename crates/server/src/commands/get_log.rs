//! `getLog`: there is no log in memory, so each of them is empty.

use bson::doc;
use stroma_document::Error;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "getLog",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "gives the lines of a log; none are kept",
    run: |_, target, arguments| {
        arguments.finish()?;
        match target.as_str() {
            Some("*") => Ok(doc! {"names": ["global", "startupWarnings"]}),
            Some("global" | "startupWarnings") => Ok(doc! {"totalLinesWritten": 0, "log": []}),
            Some(name) => Err(Error::bad_value(format!("No log named '{name}'"))),
            None => Err(Error::type_mismatch("Argument to getLog must be of type String")),
        }
    },
};
