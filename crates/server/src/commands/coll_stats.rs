//! `collStats`: sizes of a collection, told by walking it.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::scale::Scale;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

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
    let stats = collection.stats()?;
    let index_bytes = stats.indexes.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let sizes: Document =
        stats.indexes.iter().map(|(name, bytes)| (name.clone(), scale.apply(*bytes))).collect();
    let mut reply = doc! {
        "ns": collection.namespace().to_string(),
        "size": scale.apply(stats.document_bytes),
        "count": number(stats.documents),
        "storageSize": scale.apply(stats.document_bytes),
        "nindexes": number(stats.indexes.len() as u64),
        "indexSizes": sizes,
        "totalIndexSize": scale.apply(index_bytes),
        "totalSize": scale.apply(stats.document_bytes + index_bytes),
        "scaleFactor": scale.factor(),
        "capped": false,
    };
    if let Some(average) = stats.document_bytes.checked_div(stats.documents) {
        reply.insert("avgObjSize", number(average));
    }
    Ok(reply)
}
