//! `distinct`: the values that a path has.

use bson::{Bson, Document, doc};
use stroma_document::{Distinct, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "distinct",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "gives the distinct values of a path",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let distinct = read(&mut arguments)?;
    arguments.finish()?;
    Ok(doc! {"values": collection.distinct(&distinct)?})
}

/// Reads which values are asked for.
pub(super) fn read(arguments: &mut Arguments) -> Result<Distinct> {
    arguments.refuse_collation()?;
    let key = arguments.required_string("key")?;
    let filter = arguments.document("query")?.unwrap_or_default();
    Ok(Distinct { hint: arguments.hint()?, ..Distinct::new(key).matching(filter) })
}
