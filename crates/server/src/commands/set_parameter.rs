//! `setParameter`: refused; settings are given when the server is started.

use stroma_document::Error;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "setParameter",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "refuses: settings are given when the server is started",
    run: |_, _, _| Err(Error::unsupported("setParameter")),
};
