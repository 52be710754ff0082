//! `update`: changes documents of a collection.

use bson::{Bson, Document, doc};
use stroma_document::{Result, UpdateStatement};

use super::context::Context;
use super::insert::check_batch;
use super::table::Command;
use crate::reply::{number, write_errors};
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "update",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "changes documents, or inserts one where none matches",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let statements = statements(&mut arguments)?;
    let ordered = arguments.ordered()?;
    arguments.finish()?;
    check_batch(statements.len())?;
    let outcome = collection.update(&statements, ordered)?;
    let mut reply = doc! {
        "n": number(outcome.matched + outcome.upserted.len() as u64),
        "nModified": number(outcome.modified),
    };
    if !outcome.upserted.is_empty() {
        let entries = outcome.upserted.into_iter();
        let entries = entries.map(|one| doc! {"index": number(one.index as u64), "_id": one.id}.into());
        reply.insert("upserted", entries.collect::<Vec<Bson>>());
    }
    if !outcome.errors.is_empty() {
        reply.insert("writeErrors", write_errors(&outcome.errors));
    }
    Ok(reply)
}

/// Reads the statements and what belongs to them.
pub(super) fn statements(arguments: &mut Arguments) -> Result<Vec<UpdateStatement>> {
    let given = arguments.required_documents("updates")?;
    let constants = arguments.constants()?;
    arguments.ignore(&["bypassDocumentValidation", "bypassEmptyTsReplacement"]);
    given.into_iter().map(|fields| statement(Arguments::new("update.updates", fields), &constants)).collect()
}

fn statement(mut fields: Arguments, constants: &Document) -> Result<UpdateStatement> {
    let update = fields.take("u").ok_or_else(|| fields.missing("u"))?;
    let mut constants = constants.clone();
    if let Some(own) = fields.document("c")? {
        constants.extend(own);
    }
    fields.refuse_collation()?;
    let statement = UpdateStatement {
        filter: fields.required_document("q")?,
        update,
        multi: fields.flag("multi")?,
        upsert: fields.flag("upsert")?,
        array_filters: fields.documents("arrayFilters")?.unwrap_or_default(),
        sort: fields.document("sort")?,
        hint: fields.hint()?,
        constants,
    };
    fields.finish()?;
    Ok(statement)
}
