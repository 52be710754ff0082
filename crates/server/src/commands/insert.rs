//! `insert`: puts documents into a collection.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Error, Result};

use super::context::Context;
use super::hello::BATCH_WRITES;
use super::table::Command;
use crate::reply::{number, write_errors};
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "insert",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "puts documents into a collection, which is created if it is not there",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let documents = arguments.required_documents("documents")?;
    let ordered = arguments.ordered()?;
    arguments.ignore(&["bypassDocumentValidation", "bypassEmptyTsReplacement"]);
    arguments.finish()?;
    check_batch(documents.len())?;
    let outcome = collection.insert_many(documents, ordered)?;
    let mut reply = doc! {"n": number(outcome.inserted)};
    if !outcome.errors.is_empty() {
        reply.insert("writeErrors", write_errors(&outcome.errors));
    }
    Ok(reply)
}

/// That a command holds a number of writes that is allowed.
pub(super) fn check_batch(writes: usize) -> Result<()> {
    if (1..=BATCH_WRITES).contains(&writes) {
        return Ok(());
    }
    let message = format!("Write batch sizes must be between 1 and {BATCH_WRITES}. Got {writes} operations.");
    Err(Error::new(Code::InvalidLength, message))
}
