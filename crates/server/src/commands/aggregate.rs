//! `aggregate`: runs a pipeline over a collection.

use bson::{Bson, Document};
use stroma_document::{Aggregate, Error, Explained, Result, Verbosity};

use super::context::{Context, FirstBatch};
use super::explain;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "aggregate",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "runs a pipeline over a collection",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    refuse_database(&target)?;
    let collection = context.collection(&target)?;
    let aggregate = read(&mut arguments)?;
    let is_explained = arguments.flag("explain")?;
    if !is_explained && !arguments.has("cursor") {
        return Err(no_cursor());
    }
    let first = FirstBatch::read(&mut arguments)?;
    arguments.finish()?;
    if is_explained {
        let explained = Explained::Aggregate(aggregate);
        return explain::answer(context, &collection, &explained, Verbosity::QueryPlanner);
    }
    let stream = collection.aggregate(&aggregate)?;
    context.first_batch(collection.namespace().to_string(), stream, first)
}

fn no_cursor() -> Error {
    Error::failed_to_parse("The 'cursor' option is required, except for aggregate with the explain argument")
}

/// Refuses pipelines over a whole database, which begin with stages that are not there.
pub(super) fn refuse_database(target: &Bson) -> Result<()> {
    match target {
        Bson::Int32(1) | Bson::Int64(1) | Bson::Double(1.0) => {
            Err(Error::unsupported("an aggregation over a database ({aggregate: 1})"))
        }
        _ => Ok(()),
    }
}

/// Reads the pipeline and what belongs to it.
pub(super) fn read(arguments: &mut Arguments) -> Result<Aggregate> {
    arguments.refuse_collation()?;
    arguments.ignore(&["allowDiskUse", "bypassDocumentValidation"]);
    Ok(Aggregate {
        pipeline: arguments.required_documents("pipeline")?,
        hint: arguments.hint()?,
        constants: arguments.constants()?,
    })
}
