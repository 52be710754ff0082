//! `delete`: removes documents from a collection.

use bson::{Bson, Document, doc};
use stroma_document::{DeleteStatement, Error, Result};

use super::context::Context;
use super::insert::check_batch;
use super::table::Command;
use crate::reply::{number, write_errors};
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "delete",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "removes documents",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let statements = statements(&mut arguments)?;
    let ordered = arguments.ordered()?;
    arguments.finish()?;
    check_batch(statements.len())?;
    let outcome = collection.delete(&statements, ordered)?;
    let mut reply = doc! {"n": number(outcome.deleted)};
    if !outcome.errors.is_empty() {
        reply.insert("writeErrors", write_errors(&outcome.errors));
    }
    Ok(reply)
}

/// Reads the statements and what belongs to them.
pub(super) fn statements(arguments: &mut Arguments) -> Result<Vec<DeleteStatement>> {
    let given = arguments.required_documents("deletes")?;
    let constants = arguments.constants()?;
    given.into_iter().map(|fields| statement(Arguments::new("delete.deletes", fields), &constants)).collect()
}

fn statement(mut fields: Arguments, constants: &Document) -> Result<DeleteStatement> {
    let multi = match fields.integer("limit")? {
        Some(0) => true,
        Some(1) => false,
        Some(other) => {
            let message = format!("The limit field in delete objects must be 0 or 1. Got {other}");
            return Err(Error::failed_to_parse(message));
        }
        None => return Err(fields.missing("limit")),
    };
    fields.refuse_collation()?;
    let statement = DeleteStatement {
        filter: fields.required_document("q")?,
        multi,
        hint: fields.hint()?,
        constants: constants.clone(),
    };
    fields.finish()?;
    Ok(statement)
}
