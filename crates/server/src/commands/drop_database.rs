//! `dropDatabase`: removes a database with all its collections.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "dropDatabase",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "removes a database with all its collections",
    run,
};

fn run(context: &Context<'_>, _: Bson, arguments: Arguments) -> Result<Document> {
    arguments.finish()?;
    let database = &context.generic.database;
    if !context.documents().drop_database(database)? {
        return Ok(Document::new());
    }
    context.settle()?;
    Ok(doc! {"dropped": database})
}
