//! `collStats`: sizes of a collection, told by walking it.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::table::Command;
use crate::request::{Arguments, Scale};
use crate::stages::storage_stats;

pub(super) const COMMAND: Command = Command {
    name: "collStats",
    aliases: &["collstats"],
    is_inline: false,
    is_admin: false,
    help: "tells the sizes of a collection",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let scale = Scale::read(&mut arguments)?;
    arguments.finish()?;
    let mut reply = doc! {"ns": collection.namespace().to_string()};
    reply.extend(storage_stats(&collection, scale)?);
    Ok(reply)
}
