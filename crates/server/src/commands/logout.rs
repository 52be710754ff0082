//! `logout`: nobody is logged in, so nothing happens.

use bson::Document;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "logout",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "does nothing: there are no accounts",
    run: |_, _, _| Ok(Document::new()),
};
