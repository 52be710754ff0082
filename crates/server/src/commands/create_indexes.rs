//! `createIndexes`: builds indexes on a collection.

use bson::{Bson, Document, doc};
use stroma_document::{Error, IndexModel, Result};

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "createIndexes",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "builds indexes on a collection",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let given = arguments.required_documents("indexes")?;
    arguments.ignore(&["commitQuorum", "ignoreUnknownIndexOptions"]);
    arguments.finish()?;
    if given.is_empty() {
        return Err(Error::bad_value("Must specify at least one index to create"));
    }
    let models = given.iter().map(IndexModel::parse).collect::<Result<Vec<_>>>()?;
    let outcome = collection.create_indexes(&models)?;
    context.settle()?;
    let mut reply = doc! {
        "numIndexesBefore": number(outcome.before as u64),
        "numIndexesAfter": number(outcome.after as u64),
        "createdCollectionAutomatically": outcome.created_collection,
    };
    if outcome.before == outcome.after {
        reply.insert("note", "all indexes already exist");
    }
    Ok(reply)
}
