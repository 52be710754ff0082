//! `refreshSessions`: sessions hold nothing that ends with time, so only the ids are checked.

use bson::Document;

use super::end_sessions::sessions;
use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "refreshSessions",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "keeps sessions from ending",
    run: |_, target, arguments| {
        arguments.finish()?;
        sessions(&target).map(|_| Document::new())
    },
};
