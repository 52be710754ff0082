//! `dbStats`: sizes of a database, told by walking its collections.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::{Arguments, Scale};

pub(super) const COMMAND: Command = Command {
    name: "dbStats",
    aliases: &["dbstats"],
    is_inline: false,
    is_admin: false,
    help: "tells the sizes of a database",
    run,
};

fn run(context: &Context<'_>, _: Bson, mut arguments: Arguments) -> Result<Document> {
    let scale = Scale::read(&mut arguments)?;
    arguments.ignore(&["freeStorage"]);
    arguments.finish()?;
    let database = &context.generic.database;
    let collections = context.documents().list_collections(database)?;
    let (mut objects, mut indexes, mut data_bytes, mut index_bytes) = (0, 0, 0, 0);
    for collection in &collections {
        context.operation.check()?;
        let stats = context.documents().collection(&collection.namespace).stats()?;
        objects += stats.documents;
        data_bytes += stats.document_bytes;
        indexes += stats.indexes.len();
        index_bytes += stats.indexes.iter().map(|(_, bytes)| bytes).sum::<u64>();
    }
    Ok(doc! {
        "db": database,
        "collections": number(collections.len() as u64),
        "views": 0,
        "objects": number(objects),
        "avgObjSize": if objects == 0 { 0.0 } else { data_bytes as f64 / objects as f64 },
        "dataSize": scale.apply(data_bytes),
        "storageSize": scale.apply(data_bytes),
        "indexes": number(indexes as u64),
        "indexSize": scale.apply(index_bytes),
        "totalSize": scale.apply(data_bytes + index_bytes),
        "scaleFactor": scale.factor(),
    })
}
