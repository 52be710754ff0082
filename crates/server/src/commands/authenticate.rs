//! `saslStart` and its kin: refused, as there are no accounts.

use stroma_document::{Code, Error};

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "saslStart",
    aliases: &["saslContinue", "authenticate"],
    is_inline: true,
    is_admin: false,
    help: "refuses: there are no accounts",
    run: |_, _, _| {
        let message = "Authentication failed: this server has no accounts; connect without a user name";
        Err(Error::new(Code::AuthenticationFailed, message))
    },
};
