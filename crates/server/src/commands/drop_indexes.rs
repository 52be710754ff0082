//! `dropIndexes`: removes indexes of a collection.

use bson::{Bson, Document, doc};
use stroma_document::{IndexSelection, Result};

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "dropIndexes",
    aliases: &["deleteIndexes"],
    is_inline: false,
    is_admin: false,
    help: "removes indexes of a collection",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let selection = selection(&mut arguments)?;
    arguments.finish()?;
    let before = collection.drop_indexes(&selection)?;
    context.settle()?;
    let mut reply = doc! {"nIndexesWas": number(before as u64)};
    if selection == IndexSelection::All {
        reply.insert("msg", "non-_id indexes dropped for collection");
    }
    Ok(reply)
}

/// Which indexes: `*`, a name, several names, or a key.
fn selection(arguments: &mut Arguments) -> Result<IndexSelection> {
    match arguments.take("index") {
        Some(Bson::String(name)) if name == "*" => Ok(IndexSelection::All),
        Some(Bson::String(name)) => Ok(IndexSelection::Names(vec![name])),
        Some(Bson::Document(key)) => Ok(IndexSelection::Key(key)),
        Some(Bson::Array(items)) => {
            let name = |item| match item {
                Bson::String(name) => Ok(name),
                other => Err(arguments.wrong_type("index", &other, "string")),
            };
            Ok(IndexSelection::Names(items.into_iter().map(name).collect::<Result<_>>()?))
        }
        Some(other) => Err(arguments.wrong_type("index", &other, "string")),
        None => Err(arguments.missing("index")),
    }
}
