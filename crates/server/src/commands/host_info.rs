//! `hostInfo`: the machine, as far as it can be told without asking it much.

use bson::{DateTime, doc};

use super::table::Command;
use crate::server::host;

pub(super) const COMMAND: Command = Command {
    name: "hostInfo",
    aliases: &["hostinfo"],
    is_inline: false,
    is_admin: false,
    help: "tells of the machine",
    run: |context, _, _| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(doc! {
            "system": {
                "currentTime": DateTime::now(),
                "hostname": host(context.state.port),
                "cpuAddrSize": usize::BITS as i32,
                "numCores": processors as i32,
                "cpuArch": std::env::consts::ARCH,
            },
            "os": {"type": std::env::consts::OS},
            "extra": {},
        })
    },
};
