//! `hello` and `isMaster`: what a driver asks first. The answer is that of a standalone server.

use bson::{Bson, DateTime, Document, doc};

use super::build_info::DOCUMENT_BYTES;
use super::context::Context;
use super::table::Command;
use crate::sessions::TIMEOUT_MINUTES;
use crate::wire::LONGEST_MESSAGE;

/// The highest version of the wire protocol that is spoken: that of MongoDB 8.0.
const WIRE_VERSION: i32 = 25;
/// How many writes one command may hold.
pub(super) const BATCH_WRITES: usize = 100_000;

pub(super) const HELLO: Command = Command {
    name: "hello",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "tells a driver what it speaks to",
    // What drivers tell of themselves (client, compression, speculativeAuthenticate) changes nothing.
    run: |context, _, _| Ok(answer(context, "isWritablePrimary")),
};

pub(super) const IS_MASTER: Command = Command {
    name: "isMaster",
    aliases: &["ismaster"],
    is_inline: true,
    is_admin: false,
    help: "tells an older driver what it speaks to",
    run: |context, _, _| Ok(answer(context, "ismaster")),
};

/// Without `topologyVersion`, drivers ask again from time to time instead of waiting for a change.
fn answer(context: &Context<'_>, primary: &str) -> Document {
    let mut answer = doc! {primary: true, "helloOk": true};
    answer.extend(doc! {
        "maxBsonObjectSize": DOCUMENT_BYTES,
        "maxMessageSizeBytes": LONGEST_MESSAGE as i32,
        "maxWriteBatchSize": BATCH_WRITES as i32,
        "localTime": DateTime::now(),
        "logicalSessionTimeoutMinutes": TIMEOUT_MINUTES,
        "connectionId": Bson::Int32((context.connection.number & 0x7fff_ffff) as i32),
        "minWireVersion": 0,
        "maxWireVersion": WIRE_VERSION,
        "readOnly": context.documents().is_read_only(),
    });
    answer
}
