//! `killOp`: asks a command to end, which it does before its next result.

use bson::doc;

use super::table::Command;

pub(super) const COMMAND: Command = Command {
    name: "killOp",
    aliases: &[],
    is_inline: true,
    is_admin: true,
    help: "ends a command that runs, by its opid",
    run: |context, _, mut arguments| {
        let number = arguments.integer("op")?.ok_or_else(|| arguments.missing("op"))?;
        arguments.finish()?;
        if let Ok(number) = i32::try_from(number) {
            context.state.operations.kill(number);
        }
        Ok(doc! {"info": "attempting to kill op"})
    },
};
