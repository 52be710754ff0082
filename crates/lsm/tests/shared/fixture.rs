//! What the writer of fixtures and those who read them agree on.

#[path = "append.rs"]
mod append;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use append::Append;
use stroma_lsm::{Database, KeyspaceOptions, Options};

/// Options with the rules that keyspaces of fixtures have.
pub(crate) fn options(memory_bytes: usize) -> Options {
    let joined = KeyspaceOptions::default().merging(Append::APART);
    Options {
        memory_bytes,
        background_threads: 0,
        keyspaces: BTreeMap::from([("joined".to_owned(), joined)]),
        ..Options::default()
    }
}

/// What a database holds, a line for each key: its length and a digest of its value.
pub(crate) fn contents(database: &Database) -> Result<String, stroma_lsm::Error> {
    let mut text = String::new();
    for name in database.keyspaces() {
        let _ = writeln!(text, "keyspace {name}");
        for entry in database.keyspace(&name)?.iter() {
            let (key, value) = entry?;
            let digest = super::random::digest(&value);
            let _ = writeln!(text, "{} {} {digest:016x}", key.escape_ascii(), value.len());
        }
    }
    Ok(text)
}
