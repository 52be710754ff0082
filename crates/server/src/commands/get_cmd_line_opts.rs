//! `getCmdLineOpts`: how the server was started, as far as clients need it.

use bson::doc;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "getCmdLineOpts",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "tells the port that was asked for",
    run: |context, _, _| {
        let port = i32::from(context.state.port);
        Ok(doc! {"argv": ["stroma", "serve"], "parsed": {"net": {"port": port}}})
    },
};
