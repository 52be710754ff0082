//! `find`: the documents that match a filter, batch by batch.

use bson::{Bson, Document};
use stroma_document::{Error, Find, Result};

use super::context::{Context, FirstBatch};
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "find",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "gives the documents that match a filter",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let collection = context.collection(&target)?;
    let (find, first) = read(&mut arguments)?;
    arguments.finish()?;
    let stream = collection.find(&find)?;
    context.first_batch(collection.namespace().to_string(), stream, first)
}

/// Options that would give other results here than in MongoDB.
const UNSUPPORTED: &[&str] = &["tailable", "awaitData", "showRecordId", "returnKey"];

/// Reads the query and how its results are wanted.
pub(super) fn read(arguments: &mut Arguments) -> Result<(Find, FirstBatch)> {
    for name in UNSUPPORTED {
        if arguments.flag(name)? {
            return Err(Error::unsupported(format!("find's option '{name}'")));
        }
    }
    for name in ["min", "max"] {
        if arguments.document(name)?.is_some_and(|bound| !bound.is_empty()) {
            return Err(Error::unsupported(format!("find's option '{name}'")));
        }
    }
    arguments.refuse_collation()?;
    arguments.ignore(&["allowDiskUse", "allowPartialResults", "oplogReplay"]);
    let first = FirstBatch {
        size: arguments.count("batchSize")?,
        is_only: arguments.flag("singleBatch")?,
        is_kept: arguments.flag("noCursorTimeout")?,
    };
    let find = Find {
        filter: arguments.document("filter")?.unwrap_or_default(),
        projection: arguments.document("projection")?,
        sort: arguments.document("sort")?,
        skip: arguments.count("skip")?.unwrap_or(0),
        limit: arguments.count("limit")?.filter(|limit| *limit > 0),
        hint: arguments.hint()?,
        constants: arguments.constants()?,
    };
    Ok((find, first))
}
