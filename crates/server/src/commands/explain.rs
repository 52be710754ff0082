//! `explain`: how another command would be carried out.

use std::time::Instant;

use bson::{Bson, Document, doc};
use stroma_document::{Collection, Error, Explained, Find, Result, Verbosity};

use super::build_info::version;
use super::context::Context;
use super::table::{Command, find_command};
use super::{aggregate, count, delete, distinct, find, find_and_modify, update};
use crate::reply::number;
use crate::request::Arguments;
use crate::server::host;

pub(super) const COMMAND: Command = Command {
    name: "explain",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "tells how another command would be carried out",
    run,
};

fn run(context: &Context<'_>, target: Bson, mut arguments: Arguments) -> Result<Document> {
    let verbosity = match arguments.string("verbosity")?.as_deref() {
        Some("queryPlanner") => Verbosity::QueryPlanner,
        None | Some("executionStats" | "allPlansExecution") => Verbosity::ExecutionStats,
        Some(other) => {
            return Err(Error::failed_to_parse(format!(
                "verbosity must be 'queryPlanner', 'executionStats' or 'allPlansExecution', not '{other}'"
            )));
        }
    };
    arguments.finish()?;
    let Bson::Document(mut fields) = target else {
        return Err(Error::type_mismatch("explain needs the command to be explained as an object"));
    };
    let name = fields.keys().next().cloned().unwrap_or_default();
    let command = fields.clone();
    let target = fields.remove(&name).unwrap_or(Bson::Null);
    let name = find_command(&name).map_or(name.as_str(), |command| command.name);
    let collection = context.collection(&target)?;
    let explained = explained(name, Arguments::new(name, fields))?;
    let mut answer = answer(context, &collection, &explained, verbosity)?;
    answer.insert("command", command);
    Ok(answer)
}

/// The explanation, with the server's name and version.
pub(super) fn answer(
    context: &Context<'_>,
    collection: &Collection,
    explained: &Explained,
    verbosity: Verbosity,
) -> Result<Document> {
    let started = Instant::now();
    let mut answer = collection.explain(explained, verbosity)?;
    if let Ok(statistics) = answer.get_document_mut("executionStats") {
        statistics.insert("executionTimeMillis", number(started.elapsed().as_millis() as u64));
    }
    let port = i32::from(context.state.port);
    answer.insert("serverInfo", doc! {"host": host(context.state.port), "port": port, "version": version()});
    Ok(answer)
}

/// Reads the command to be explained. Writes are explained by the query that finds what they change.
fn explained(name: &str, mut arguments: Arguments) -> Result<Explained> {
    let one = |find: Find| Explained::Find(Find { limit: Some(1), ..find });
    let explained = match name {
        "find" => Explained::Find(find::read(&mut arguments)?.0),
        "count" => Explained::Count(count::read(&mut arguments)?),
        "distinct" => Explained::Distinct(distinct::read(&mut arguments)?),
        "aggregate" => {
            arguments.ignore(&["cursor", "explain"]);
            Explained::Aggregate(aggregate::read(&mut arguments)?)
        }
        "update" => {
            let [statement] =
                <[_; 1]>::try_from(update::statements(&mut arguments)?).map_err(|_| single())?;
            let find = Find {
                hint: statement.hint,
                sort: statement.sort,
                constants: statement.constants,
                ..Find::new(statement.filter)
            };
            if statement.multi { Explained::Find(find) } else { one(find) }
        }
        "delete" => {
            let [statement] =
                <[_; 1]>::try_from(delete::statements(&mut arguments)?).map_err(|_| single())?;
            let find =
                Find { hint: statement.hint, constants: statement.constants, ..Find::new(statement.filter) };
            if statement.multi { Explained::Find(find) } else { one(find) }
        }
        "findAndModify" => {
            let request = find_and_modify::read(&mut arguments)?;
            one(Find {
                hint: request.hint,
                sort: request.sort,
                constants: request.constants,
                ..Find::new(request.filter)
            })
        }
        _ => return Err(Error::unsupported(format!("an explanation of '{name}'"))),
    };
    arguments.ignore(&[
        "$db",
        "lsid",
        "$readPreference",
        "ordered",
        "maxTimeMS",
        "readConcern",
        "writeConcern",
        "comment",
        "apiVersion",
    ]);
    arguments.finish()?;
    Ok(explained)
}

fn single() -> Error {
    Error::new(stroma_document::Code::InvalidLength, "explained write batches must be of size 1")
}
