//! `listCollections`: the collections of a database.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use stroma_document::language::matcher::Matcher;
use stroma_document::{CollectionInfo, Result};

use super::context::{Context, FirstBatch};
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "listCollections",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "lists the collections of a database",
    run,
};

fn run(context: &Context<'_>, _: Bson, mut arguments: Arguments) -> Result<Document> {
    let filter = Matcher::parse(&arguments.document("filter")?.unwrap_or_default())?;
    let names_only = arguments.flag("nameOnly")?;
    let first = FirstBatch::read(&mut arguments)?;
    arguments.ignore(&["authorizedCollections"]);
    arguments.finish()?;
    let database = &context.generic.database;
    let mut shown = Vec::new();
    for collection in context.documents().list_collections(database)? {
        let described = describe(&collection);
        if filter.matches(&described)? {
            let name = collection.namespace.collection();
            shown.push(Ok(if names_only {
                doc! {"name": name, "type": "collection"}
            } else {
                described
            }));
        }
    }
    context.first_batch(format!("{database}.$cmd.listCollections"), Box::new(shown.into_iter()), first)
}

fn describe(collection: &CollectionInfo) -> Document {
    let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: collection.uuid.to_vec() };
    doc! {
        "name": collection.namespace.collection(),
        "type": "collection",
        "options": {},
        "info": {"readOnly": false, "uuid": uuid},
        "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"},
    }
}
