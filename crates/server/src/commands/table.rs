//! The table of all commands. Adding one touches its file and this table.

use std::collections::HashMap;
use std::sync::LazyLock;

use bson::{Bson, Document};
use stroma_document::Result;

use super::context::Context;
use super::*;
use crate::request::Arguments;

/// A command: its names, where it runs, what it does.
pub(crate) struct Command {
    /// Its name in MongoDB's manual.
    pub(crate) name: &'static str,
    /// Other names for it, older spellings mostly.
    pub(crate) aliases: &'static [&'static str],
    /// Whether it touches no documents and answers at once, so that it need not wait for a thread.
    pub(crate) is_inline: bool,
    /// Whether it is for the database `admin` only.
    pub(crate) is_admin: bool,
    /// One line for `listCommands`.
    pub(crate) help: &'static str,
    /// Carries it out. The second argument is the value of its first field.
    pub(crate) run: fn(&Context<'_>, Bson, Arguments) -> Result<Document>,
}

/// All commands, by name.
pub(super) static COMMANDS: &[Command] = &[
    aggregate::COMMAND,
    authenticate::COMMAND,
    build_info::COMMAND,
    coll_stats::COMMAND,
    connection_status::COMMAND,
    count::COMMAND,
    create::COMMAND,
    create_indexes::COMMAND,
    current_op::COMMAND,
    db_stats::COMMAND,
    delete::COMMAND,
    distinct::COMMAND,
    drop::COMMAND,
    drop_database::COMMAND,
    drop_indexes::COMMAND,
    end_sessions::COMMAND,
    explain::COMMAND,
    find::COMMAND,
    find_and_modify::COMMAND,
    get_cmd_line_opts::COMMAND,
    get_log::COMMAND,
    get_more::COMMAND,
    get_parameter::COMMAND,
    hello::HELLO,
    hello::IS_MASTER,
    host_info::COMMAND,
    insert::COMMAND,
    kill_cursors::COMMAND,
    kill_op::COMMAND,
    kill_sessions::COMMAND,
    list_collections::COMMAND,
    list_commands::COMMAND,
    list_databases::COMMAND,
    list_indexes::COMMAND,
    logout::COMMAND,
    ping::COMMAND,
    refresh_sessions::COMMAND,
    rename_collection::COMMAND,
    server_status::COMMAND,
    set_parameter::COMMAND,
    start_session::COMMAND,
    update::COMMAND,
    whatsmyuri::COMMAND,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Command>> = LazyLock::new(|| {
    let names = |command: &'static Command| std::iter::once(&command.name).chain(command.aliases);
    COMMANDS.iter().flat_map(|command| names(command).map(move |name| (*name, command))).collect()
});

/// The command of this name.
pub(super) fn find_command(name: &str) -> Option<&'static Command> {
    BY_NAME.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::{BY_NAME, COMMANDS};

    #[test]
    fn no_name_is_given_twice() {
        let names: usize = COMMANDS.iter().map(|command| 1 + command.aliases.len()).sum();
        assert_eq!(BY_NAME.len(), names);
    }
}
