//! `count`: how many documents match.

use bson::{Bson, Document, doc};
use stroma_document::{Count, Result};

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "count",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "counts the documents that match a filter",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let count = read(&mut arguments)?;
    arguments.finish()?;
    Ok(doc! {"n": number(collection.count(&count)?)})
}

/// Reads what to count. A negative limit is as good as a positive one, as ever.
pub(super) fn read(arguments: &mut Arguments) -> Result<Count> {
    arguments.refuse_collation()?;
    arguments.ignore(&["fields"]);
    Ok(Count {
        filter: arguments.document("query")?.unwrap_or_default(),
        skip: arguments.count("skip")?.unwrap_or(0),
        limit: arguments.integer("limit")?.map(i64::unsigned_abs).filter(|limit| *limit > 0),
        hint: arguments.hint()?,
        constants: Document::new(),
    })
}
