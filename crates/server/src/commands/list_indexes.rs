//! `listIndexes`: the indexes of a collection.

use bson::{Bson, Document};
use stroma_document::Result;

use super::context::{Context, FirstBatch};
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "listIndexes",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "lists the indexes of a collection",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let first = FirstBatch::read(&mut arguments)?;
    arguments.ignore(&["includeBuildUUIDs", "includeIndexBuildInfo"]);
    arguments.finish()?;
    let indexes = collection.list_indexes()?;
    context.first_batch(collection.namespace().to_string(), Box::new(indexes.into_iter().map(Ok)), first)
}
