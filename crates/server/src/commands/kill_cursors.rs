//! `killCursors`: closes cursors of a collection.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Error, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "killCursors",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "closes cursors",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let Bson::String(collection) = target else {
        return Err(Error::new(Code::InvalidNamespace, "the collection's name must be a string"));
    };
    let namespace = format!("{}.{collection}", context.generic.database);
    let ids = match arguments.take("cursors") {
        Some(Bson::Array(ids)) => ids,
        Some(other) => return Err(arguments.wrong_type("cursors", &other, "array")),
        None => return Err(arguments.missing("cursors")),
    };
    arguments.finish()?;
    let (mut killed, mut absent) = (Vec::new(), Vec::new());
    for id in ids {
        match id.as_i64() {
            Some(number) if context.state.cursors.kill(number, &namespace) => killed.push(id),
            Some(_) => absent.push(id),
            None => return Err(Error::type_mismatch("cursors must be an array of longs")),
        }
    }
    Ok(doc! {"cursorsKilled": killed, "cursorsNotFound": absent, "cursorsAlive": [], "cursorsUnknown": []})
}
