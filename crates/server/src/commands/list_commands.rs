//! `listCommands`: what the server can do.

use bson::{Document, doc};

use super::table::{COMMANDS, Command};

pub(super) const COMMAND: Command = Command {
    name: "listCommands",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "lists the commands",
    run: |_, _, _| {
        let describe = |command: &Command| {
            let described = doc! {
                "help": command.help,
                "requiresAuth": false,
                "adminOnly": command.is_admin,
                "apiVersions": [],
            };
            (command.name.to_owned(), described)
        };
        let commands: Document =
            COMMANDS.iter().map(describe).map(|(name, described)| (name, described.into())).collect();
        Ok(doc! {"commands": commands})
    },
};
