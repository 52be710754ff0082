//! `aggregate`: runs a pipeline over a collection.

use bson::{Bson, Document};
use stroma_document::{Aggregate, Code, Collection, Error, Explained, Result, Verbosity};

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
    let aggregate = read(&mut arguments)?;
    let (collection, namespace) = source(context, &target, &aggregate.pipeline)?;
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
    context.first_batch(namespace, stream, first)
}

fn no_cursor() -> Error {
    Error::failed_to_parse("The 'cursor' option is required, except for aggregate with the explain argument")
}

/// The stages that bring their own documents, so that a pipeline needs no collection.
const SELF_SUFFICIENT: &[&str] = &["$currentOp", "$documents"];

/// The collection a pipeline runs over, and the name its cursor goes by.
///
/// # Errors
/// `InvalidNamespace` (73) for a pipeline that needs a collection and has none.
pub(super) fn source(
    context: &Context<'_>,
    target: &Bson,
    pipeline: &[Document],
) -> Result<(Collection, String)> {
    if !matches!(target, Bson::Int32(1) | Bson::Int64(1) | Bson::Double(1.0)) {
        let collection = context.collection(target)?;
        let namespace = collection.namespace().to_string();
        return Ok((collection, namespace));
    }
    let first = pipeline.first().and_then(|stage| stage.keys().next()).map_or("", String::as_str);
    if !SELF_SUFFICIENT.contains(&first) {
        let message = format!("{{aggregate: 1}} is not valid for '{first}'; a collection is required.");
        return Err(Error::new(Code::InvalidNamespace, message));
    }
    // A collection must be named to run a pipeline; this one is not read.
    let unread = context.collection(&Bson::from("aggregate"))?;
    Ok((unread, format!("{}.$cmd.aggregate", context.generic.database)))
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
