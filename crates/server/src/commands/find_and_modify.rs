//! `findAndModify`: changes or removes one document and gives it back.

use bson::{Bson, Document, doc};
use stroma_document::{Error, FindAndModify, Modification, Result};

use super::context::Context;
use super::table::Command;
use crate::reply::number;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "findAndModify",
    aliases: &["findandmodify"],
    is_inline: false,
    is_admin: false,
    help: "changes or removes one document and gives it back",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let request = read(&mut arguments)?;
    arguments.finish()?;
    let outcome = collection.find_and_modify(&request)?;
    let mut last = doc! {"n": number(outcome.affected)};
    if !matches!(request.modification, Modification::Remove) {
        last.insert("updatedExisting", outcome.updated_existing);
    }
    if let Some(id) = outcome.upserted {
        last.insert("upserted", id);
    }
    let value = outcome.value.map_or(Bson::Null, Bson::Document);
    Ok(doc! {"lastErrorObject": last, "value": value})
}

/// Reads which document, and what becomes of it.
pub(super) fn read(arguments: &mut Arguments) -> Result<FindAndModify> {
    arguments.refuse_collation()?;
    arguments.ignore(&["bypassDocumentValidation", "bypassEmptyTsReplacement"]);
    let filter = arguments.document("query")?.unwrap_or_default();
    let modification = modification(arguments)?;
    Ok(FindAndModify {
        sort: arguments.document("sort")?,
        projection: arguments.document("fields")?,
        hint: arguments.hint()?,
        constants: arguments.constants()?,
        ..FindAndModify::new(filter, modification)
    })
}

fn modification(arguments: &mut Arguments) -> Result<Modification> {
    let update = arguments.take("update");
    let removes = arguments.flag("remove")?;
    let upsert = arguments.flag("upsert")?;
    let returns_new = arguments.flag("new")?;
    let array_filters = arguments.documents("arrayFilters")?;
    let wrong = |message| Err(Error::failed_to_parse(message));
    match (update, removes) {
        (Some(_), true) => wrong("Cannot specify both an update and remove=true"),
        (None, false) => wrong("Either an update or remove=true must be specified"),
        (None, true) if upsert => wrong("Cannot specify both upsert=true and remove=true"),
        (None, true) if returns_new => wrong(
            "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
        ),
        (None, true) if array_filters.is_some() => wrong("Cannot specify arrayFilters and remove=true"),
        (None, true) => Ok(Modification::Remove),
        (Some(update), false) => Ok(Modification::Update {
            update,
            upsert,
            array_filters: array_filters.unwrap_or_default(),
            returns_new,
        }),
    }
}
