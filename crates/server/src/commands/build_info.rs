//! `buildInfo`: which MongoDB the server speaks like, and which Stromatolite it is.

use bson::doc;

use super::table::Command;

/// The version of MongoDB whose language is spoken. Drivers and shell choose their commands by it.
pub(super) const MONGODB_VERSION: [i32; 3] = [8, 0, 0];

/// The largest document.
pub(super) const DOCUMENT_BYTES: i32 = 16 << 20;

/// The version as text.
pub(super) fn version() -> String {
    let [major, minor, patch] = MONGODB_VERSION;
    format!("{major}.{minor}.{patch}")
}

pub(super) const COMMAND: Command = Command {
    name: "buildInfo",
    aliases: &["buildinfo"],
    is_inline: true,
    is_admin: false,
    help: "tells versions: of the MongoDB that is spoken, of Stromatolite",
    run: |_, _, _| {
        let [major, minor, patch] = MONGODB_VERSION;
        Ok(doc! {
            "version": version(),
            "versionArray": [major, minor, patch, 0],
            "stromatolite": {"version": env!("CARGO_PKG_VERSION")},
            "gitVersion": "",
            "modules": [],
            "allocator": "system",
            "javascriptEngine": "none",
            "bits": usize::BITS as i32,
            "debug": cfg!(debug_assertions),
            "maxBsonObjectSize": DOCUMENT_BYTES,
            "storageEngines": ["stromatolite"],
        })
    },
};
