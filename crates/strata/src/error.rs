//! What can go wrong with a layered set, told with the place and the remedy.

use crate::encryption::EncryptionError;
use crate::layer::KindError;
use crate::runtime::SpawnError;
use crate::storage::StorageError;

/// A failed operation on a [`LayeredSet`](crate::LayeredSet).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage refused.
    #[error(transparent)]
    Storage(#[from] StorageError),

    /// Keys are wrong or missing, or were given for what is not encrypted. Nothing was changed.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),

    /// Bytes on the storage are not what was written.
    #[error("{file} is damaged at byte {offset}: {what}; restore it from a copy")]
    Corrupt {
        /// The damaged blob.
        file: String,
        /// Where in it the damage was noticed.
        offset: u64,
        /// What is wrong there.
        what: String,
    },

    /// A newer version of this program wrote the set. Nothing was changed.
    #[error("{file} has format {found}, this program knows formats up to {supported}: use a newer program")]
    NewerFormat {
        /// The format of the file.
        found: u32,
        /// The newest format this program reads.
        supported: u32,
        /// The blob that says so.
        file: String,
    },

    /// The set holds layers of another kind.
    #[error("{place} holds layers of kind {found:?}, not {expected:?}")]
    WrongKind {
        /// The kind recorded in the manifest.
        found: String,
        /// The kind given to `open`.
        expected: String,
        /// The storage.
        place: String,
    },

    /// There are layers, but nothing that names them. They are left alone.
    #[error("{place} has {layers} layers but no manifest that names them: restore the folder \"manifest\"")]
    ManifestMissing {
        /// The storage.
        place: String,
        /// How many layers there are.
        layers: usize,
    },

    /// A layer named in the manifest is gone.
    #[error("the manifest names {file}, which is missing: restore it from a copy")]
    LayerMissing {
        /// The missing blob.
        file: String,
    },

    /// The layer kind refused.
    #[error("cannot {action} {place}: {source}")]
    Kind {
        /// What was tried.
        action: &'static str,
        /// The layer or the merge.
        place: String,
        /// What the kind says.
        source: KindError,
    },

    /// Another writer has taken over; this one must not write any more. It overwrote nothing; an edit that
    /// was being committed at the very moment may be part of what the other one goes on from.
    #[error("another writer took over {place}; this one stops. Reopen to go on from the other's state")]
    Fenced {
        /// The storage.
        place: String,
    },

    /// Writing the manifest failed in a way that leaves its outcome unknown, so no edit is taken any more.
    #[error("an earlier edit may or may not have been written ({cause}): reopen to see what was kept")]
    Poisoned {
        /// The failure.
        cause: String,
    },

    /// There is no set to read.
    #[error("there is no layered set in {place}")]
    NoSet {
        /// The storage.
        place: String,
    },

    /// The set was opened to be read.
    #[error("the layered set was opened to be read only; nothing was changed")]
    ReadOnly,

    /// The set was closed, or is being closed.
    #[error("the layered set is closed")]
    Closed,

    /// An edit or merge names a layer that is not in the current version.
    #[error("no layer {id} in the current version")]
    UnknownLayer {
        /// The layer named.
        id: u64,
    },

    /// Two layers of one level and one recency cover the same keys, so nobody could say which is newer.
    #[error("layers {first} and {second} of level {level} overlap and are equally recent")]
    Overlap {
        /// Their level.
        level: u32,
        /// One of them.
        first: u64,
        /// The other one.
        second: u64,
    },

    /// A layer comes too late: what is newer was merged below it already. Commit layers in order of recency.
    #[error("a new layer has recency {recency}, but recency {merged} was merged below it already")]
    OutOfOrder {
        /// That of the new layer.
        recency: u64,
        /// The newest among merged layers.
        merged: u64,
    },

    /// Something is longer than the manifest can hold.
    #[error("{what} has {bytes} bytes, at most {limit} fit")]
    TooLarge {
        /// What is too long.
        what: &'static str,
        /// Its length.
        bytes: u64,
        /// The most that fits.
        limit: u64,
    },

    /// No thread for background work.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}
