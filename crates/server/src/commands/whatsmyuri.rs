//! `whatsmyuri`: the client's address as the server sees it.

use bson::doc;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "whatsmyuri",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "tells the client's own address",
    run: |context, _, _| Ok(doc! {"you": context.connection.peer.to_string()}),
};
