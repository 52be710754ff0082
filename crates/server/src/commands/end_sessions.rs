//! `endSessions`: closes what sessions have open.

use bson::{Bson, Document};
use stroma_document::{Error, Result};

use super::context::Context;
use super::table::Command;
use crate::request::Arguments;
use crate::sessions::SessionId;

pub(super) const COMMAND: Command = Command {
    name: "endSessions",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "closes the cursors of sessions",
    run,
};

fn run(context: &Context<'_>, target: Bson, arguments: Arguments) -> Result<Document> {
    arguments.finish()?;
    context.state.cursors.kill_of_sessions(&sessions(&target)?);
    Ok(Document::new())
}

/// The ids in an array of sessions.
pub(super) fn sessions(target: &Bson) -> Result<Vec<SessionId>> {
    let wrong = || Error::type_mismatch("sessions must be an array of documents with an 'id'");
    let items = target.as_array().ok_or_else(wrong)?;
    items.iter().map(|item| SessionId::parse(item.as_document().ok_or_else(wrong)?)).collect()
}
