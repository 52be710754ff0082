//! From a command's document to its reply.

use std::sync::Arc;
use std::time::Instant;

use bson::{Bson, Document};
use stroma_document::{Code, Error, Result, interruptible};

use super::context::Context;
use super::table::{Command, find_command};
use crate::connection::Info;
use crate::reply::{failure, success};
use crate::request::{Arguments, Generic};
use crate::server::State;

/// Whether a command may run on the task of its connection. What is unknown fails at once, so it may.
pub(crate) fn runs_inline(command: &Document) -> bool {
    let found = command.keys().next().and_then(|name| find_command(name));
    found.is_none_or(|command| command.is_inline)
}

/// Carries a command out. The reply says what went wrong, if something does.
pub(crate) fn run(state: &State, connection: Info, mut fields: Document) -> Document {
    let Some(name) = fields.keys().next().cloned() else {
        return failure(&Error::new(Code::CommandNotFound, "no such command: ''"));
    };
    let Some(command) = find_command(&name) else {
        state.counters.command("unknown", std::time::Duration::ZERO, true);
        return failure(&Error::new(Code::CommandNotFound, format!("no such command: '{name}'")));
    };
    let started = Instant::now();
    let target = fields.remove(&name).unwrap_or(Bson::Null);
    let done = carry_out(command, state, connection, target, Arguments::new(command.name, fields));
    state.counters.command(command.name, started.elapsed(), done.is_err());
    match done {
        Ok(reply) => success(reply),
        Err(error) => failure(&error),
    }
}

fn carry_out(
    command: &Command,
    state: &State,
    connection: Info,
    target: Bson,
    mut arguments: Arguments,
) -> Result<Document> {
    let generic = Generic::take(&mut arguments)?;
    if command.is_admin && generic.database != "admin" {
        let message = format!("{} may only be run against the admin database.", command.name);
        return Err(Error::new(Code::Unauthorized, message));
    }
    let namespace = match &target {
        Bson::String(collection) => format!("{}.{collection}", generic.database),
        _ => generic.database.clone(),
    };
    let running = state.operations.begin(command.name, namespace, connection.number, generic.time);
    let context = Context { state, connection, generic: &generic, operation: &running.operation };
    let asked = Arc::clone(&running.operation);
    interruptible(move || asked.check(), || (command.run)(&context, target, arguments))
}
