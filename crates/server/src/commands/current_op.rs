//! `currentOp`: the commands that run at the moment.

use bson::{Bson, Document, doc};
use stroma_document::Result;

use super::context::Context;
use super::table::Command;
use crate::operations::Operation;
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
    Ok(doc! {"inprog": shown.map(|operation| describe(operation)).collect::<Vec<Bson>>()})
}

fn describe(operation: &Operation) -> Bson {
    let running = operation.started.elapsed();
    Bson::Document(doc! {
        "type": "op",
        "active": true,
        "opid": operation.number,
        "op": "command",
        "command": {&operation.command: 1},
        "ns": &operation.namespace,
        "connectionId": operation.connection as i64,
        "secs_running": running.as_secs() as i64,
        "microsecs_running": running.as_micros() as i64,
    })
}
