//! `create`: makes an empty collection.

use bson::{Bson, Document};
use stroma_document::{CollectionOptions, Error, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "create",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "makes an empty collection",
    run,
};

/// The options that MongoDB knows; which of them can be honoured, the collection says.
const OPTIONS: &[&str] = &[
    "autoIndexId",
    "capped",
    "changeStreamPreAndPostImages",
    "clusteredIndex",
    "collation",
    "encryptedFields",
    "expireAfterSeconds",
    "idIndex",
    "indexOptionDefaults",
    "max",
    "pipeline",
    "size",
    "storageEngine",
    "timeseries",
    "validationAction",
    "validationLevel",
    "validator",
    "viewOn",
];

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let namespace = context.namespace(&target)?;
    let mut options = Document::new();
    for name in OPTIONS {
        if let Some(value) = arguments.take(name) {
            options.insert(*name, value);
        }
    }
    arguments.finish()?;
    if let Some(Bson::Document(index)) = options.remove("idIndex")
        && index.get_document("key").is_ok_and(|key| key.keys().ne(["_id"]))
    {
        return Err(Error::bad_value("The field 'key' for an _id index must be {_id: 1}"));
    }
    context.documents().create_collection(&namespace, CollectionOptions::parse(&options)?)?;
    context.settle()?;
    Ok(Document::new())
}
