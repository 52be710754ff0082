//! `connectionStatus`: who the client is. Nobody: there are no accounts.

use bson::{Bson, doc};

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "connectionStatus",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "tells who is logged in over this connection: nobody",
    run: |_, _, mut arguments| {
        let mut status = doc! {"authenticatedUsers": [], "authenticatedUserRoles": []};
        if arguments.flag("showPrivileges")? {
            status.insert("authenticatedUserPrivileges", Bson::Array(Vec::new()));
        }
        arguments.finish()?;
        Ok(doc! {"authInfo": status})
    },
};
