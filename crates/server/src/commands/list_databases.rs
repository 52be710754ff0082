//! `listDatabases`: the databases that have a collection.

use bson::{Bson, Document, doc};
use stroma_document::Result;
use stroma_document::language::matcher::Matcher;

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "listDatabases",
    aliases: &[],
    is_inline: false,
    is_admin: true,
    help: "lists the databases",
    run,
};

fn run(context: &Context<'_>, _: Bson, mut arguments: Arguments) -> Result<Document> {
    let filter = Matcher::parse(&arguments.document("filter")?.unwrap_or_default())?;
    let names_only = arguments.flag("nameOnly")?;
    arguments.ignore(&["authorizedDatabases"]);
    arguments.finish()?;
    let mut shown: Vec<Bson> = Vec::new();
    let mut total = 0;
    for database in context.documents().list_databases()? {
        context.operation.check()?;
        let mut described = doc! {"name": &database.name};
        let mut bytes = 0;
        if !names_only {
            // Before compression, and by walking: nothing knows which bytes on the device are whose.
            bytes = context.documents().database_bytes(&database.name)? as i64;
            described.extend(doc! {"sizeOnDisk": bytes, "empty": bytes == 0});
        }
        if filter.matches(&described)? {
            total += bytes;
            shown.push(described.into());
        }
    }
    if names_only {
        return Ok(doc! {"databases": shown});
    }
    Ok(doc! {"databases": shown, "totalSize": total, "totalSizeMb": total >> 20})
}
