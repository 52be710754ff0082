//! `ping`: whether anyone is there.

use bson::Document;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "ping",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "answers, to show that the server is there",
    run: |_, _, arguments| arguments.finish().map(|()| Document::new()),
};
