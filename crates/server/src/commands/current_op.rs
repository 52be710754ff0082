//! `currentOp`: the commands that run at the moment.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;

pub(super) const COMMAND: Command = Command {
    name: "currentOp",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "lists the commands that run",
    run,
};

fn run(context: &Context<'_>, _: Bson, mut arguments: Arguments) -> Result<Document> {
    arguments.ignore(&["$ownOps", "$all"]);
    arguments.finish()?;
    let operations = context.state.operations.list();
    let shown = operations.iter().filter(|operation| operation.number != context.operation.number);
    Ok(doc! {"inprog": shown.map(|operation| operation.describe().into()).collect::<Vec<Bson>>()})
}
