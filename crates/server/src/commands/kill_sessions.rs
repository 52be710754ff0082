//! `killSessions`: as `endSessions`, but of anyone's.

use bson::Document;

use super::end_sessions::sessions;
use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "killSessions",
    aliases: &[],
    is_inline: false,
    is_admin: false,
    help: "closes the cursors of sessions",
    run: |context, target, arguments| {
        arguments.finish()?;
        context.state.cursors.kill_of_sessions(&sessions(&target)?);
        Ok(Document::new())
    },
};
