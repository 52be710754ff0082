//! `startSession`: an id for a session. Drivers make their own and need not ask.

use std::hash::{BuildHasher, RandomState};

use bson::spec::BinarySubtype;
use bson::{Binary, doc};

use super::table::Command;
use crate::sessions::TIMEOUT_MINUTES;

pub(super) const COMMAND: Command = Command {
    name: "startSession",
    aliases: &[],
    is_inline: true,
    is_admin: false,
    help: "gives an id for a session",
    run: |_, _, arguments| {
        arguments.finish()?;
        let id = Binary { subtype: BinarySubtype::Uuid, bytes: random_uuid().to_vec() };
        Ok(doc! {"id": {"id": id}, "timeoutMinutes": TIMEOUT_MINUTES})
    },
};

/// A version 4 UUID from the random keys of two hashers.
fn random_uuid() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
    bytes[8..].copy_from_slice(&RandomState::new().hash_one(1).to_le_bytes());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}
