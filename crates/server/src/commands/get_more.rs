//! `getMore`: the next batch of an open cursor.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Error, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "getMore",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "gives the next batch of a cursor",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let id = match target {
        Bson::Int64(id) => id,
        Bson::Int32(id) => id.into(),
        other => return Err(arguments.wrong_type("getMore", &other, "long")),
    };
    // The name may be one that no collection has, such as `$cmd.listCollections`.
    let namespace = format!("{}.{}", context.generic.database, arguments.required_string("collection")?);
    let size = arguments.count("batchSize")?.filter(|size| *size > 0);
    arguments.ignore(&["term", "lastKnownCommittedOpTime"]);
    arguments.finish()?;
    let mut borrowed = context.state.cursors.borrow(id, &namespace)?;
    let most = size.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
    let gone = || Error::new(Code::CursorNotFound, format!("cursor id {id} not found"));
    let batch = borrowed.cursor().ok_or_else(gone)?.batch(most, context.operation)?;
    let id = if batch.is_last { 0 } else { id };
    if !batch.is_last {
        borrowed.give_back();
    }
    Ok(doc! {"cursor": {"nextBatch": batch.documents, "id": id, "ns": namespace}})
}
