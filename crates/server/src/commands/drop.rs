//! `drop`: removes a collection with all that is in it.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Result};

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "drop",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "removes a collection with all that is in it",
    run,
};

/// As in MongoDB since 7.0, nothing to remove is no error.
fn run(context: &Context<'_>, target: Bson, arguments: Arguments) -> Result<Document> {
    let namespace = context.namespace(&target)?;
    arguments.finish()?;
    let indexes = match context.documents().drop_collection(&namespace) {
        Ok(indexes) => indexes,
        Err(error) if error.kind() == Code::NamespaceNotFound => return Ok(Document::new()),
        Err(error) => return Err(error),
    };
    context.settle()?;
    Ok(doc! {"nIndexesWas": number(indexes as u64), "ns": namespace.to_string()})
}
