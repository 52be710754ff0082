//! `getParameter`: the few settings that clients ask for.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Error, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "getParameter",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "gives settings by name, or all for '*'",
    run,
};

fn run(_: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let is_all = target.as_str() == Some("*") || arguments.flag("allParameters")?;
    let mut found = Document::new();
    for (name, value) in parameters() {
        if arguments.take(&name).is_some() || is_all {
            found.insert(name, value);
        }
    }
    if found.is_empty() {
        return Err(Error::new(Code::InvalidOptions, "no option found to get"));
    }
    Ok(found)
}

fn parameters() -> Document {
    doc! {
        "authenticationMechanisms": [],
        "enableTestCommands": false,
        "featureCompatibilityVersion": {"version": "8.0"},
        "transactionLifetimeLimitSeconds": 0,
    }
}
