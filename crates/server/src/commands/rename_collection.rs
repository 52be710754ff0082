//! `renameCollection`: gives a collection another name, also in another database.

use bson::{Bson, Document};
use stroma_document::{Namespace, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "renameCollection",
    aliases: &[],
    is_inline: false,
    is_admin: true,
    help: "gives a collection another name",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let Bson::String(from) = target else {
        return Err(arguments.wrong_type("renameCollection", &target, "string"));
    };
    let from = Namespace::parse(&from)?;
    let to = Namespace::parse(&arguments.required_string("to")?)?;
    let drops_target = arguments.flag("dropTarget")?;
    arguments.finish()?;
    context.documents().rename_collection(&from, &to, drops_target)?;
    context.settle()?;
    Ok(Document::new())
}
