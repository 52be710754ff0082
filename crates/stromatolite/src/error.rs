//! What can go wrong with the whole house: the parts' own errors, and those of the folder they share.

use stroma_sequence::layer::LayerError;
use stroma_strata::storage::StorageError;

/// The outcome of an operation on the database.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no database in the folder, and none was to be made.
    #[error(
        "there is no database in {folder}: name its folder, or make one with `stroma quickstart` or `stroma import`"
    )]
    NoDatabase {
        /// The folder that was to hold it.
        folder: String,
    },
    /// The folder holds something else; nothing in it was changed.
    #[error(
        "{folder} holds files but no Stromatolite database: name an empty or a new folder; nothing was changed"
    )]
    NotADatabase {
        /// The folder.
        folder: String,
    },
    /// The folder was written by a later release; nothing in it was changed.
    #[error(
        "{file} says format {found}, this release reads up to {supported}: open it with a newer release; \
         nothing was changed"
    )]
    NewerFormat {
        /// The file that says so.
        file: String,
        /// The format it names.
        found: u32,
        /// The newest that this release reads.
        supported: u32,
    },
    /// A file that says what a folder is was changed or cut short.
    #[error(
        "{file} is damaged: it should hold the line `{expected}`; restore it from a backup or write it anew"
    )]
    DamagedFormat {
        /// The file.
        file: String,
        /// What it should say.
        expected: String,
    },
    /// The folder has the parts of a database but not the file that says so; nothing in it was changed.
    #[error(
        "{file} is missing beside the parts of a database: restore it from a backup, or write the line \
         `{expected}` into it; nothing was changed"
    )]
    MissingFormat {
        /// The file.
        file: String,
        /// What it should say.
        expected: String,
    },
    /// What should be a folder is a file.
    #[error("{folder} is a file, not a folder: name the folder of a database, or a new one")]
    NotAFolder {
        /// What was named.
        folder: String,
    },
    /// No sequence index has this name.
    #[error("there is no sequence index `{name}`; {}", known_names(known))]
    UnknownIndex {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A sequence index of this name exists.
    #[error("a sequence index `{name}` already exists: add to it, or choose another name")]
    IndexExists {
        /// The name.
        name: String,
    },
    /// The name cannot be that of a sequence index.
    #[error(
        "`{name}` cannot name a sequence index: 1 to 64 letters, digits, `_`, `-` or `.`, the first no dot"
    )]
    IndexName {
        /// The name given.
        name: String,
    },
    /// The file is none that a database consists of.
    #[error(
        "{file} is no file of a Stromatolite database: name one in `layers`, `manifest` or `log`, `FORMAT`, \
         or one in `indexes`"
    )]
    UnknownFile {
        /// The file.
        file: String,
    },
    /// There is no such file.
    #[error("there is no file {file}: check the path; without one, the whole database is inspected")]
    NoFile {
        /// What was named.
        file: String,
    },
    /// The system refused a file or folder.
    #[error(transparent)]
    Storage(#[from] stroma_strata::storage::StorageError),
    /// The storage engine reported an error.
    #[error(transparent)]
    Engine(#[from] stroma_lsm::Error),
    /// The documents reported an error.
    #[error(transparent)]
    Documents(#[from] stroma_document::Error),
    /// A sequence index reported an error.
    #[error(transparent)]
    Sequence(#[from] stroma_sequence::Error),
}

impl Error {
    /// Whether stored bytes are missing or not what was written, so that a backup is wanted.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::DamagedFormat { .. } | Error::MissingFormat { .. } => true,
            Error::Storage(StorageError::Damaged { .. }) => true,
            Error::Engine(stroma_lsm::Error::Storage(StorageError::Damaged { .. })) => true,
            Error::Engine(stroma_lsm::Error::Corrupt { .. }) => true,
            Error::Engine(stroma_lsm::Error::Tables(error)) => set_is_damaged(error),
            Error::Sequence(error) => match error {
                stroma_sequence::Error::DamagedRecord { .. } | stroma_sequence::Error::NoIndex { .. } => true,
                stroma_sequence::Error::Layer(error) => layer_is_damaged(error),
                stroma_sequence::Error::Set(error) => set_is_damaged(error),
                _ => false,
            },
            _ => false,
        }
    }
}

fn set_is_damaged(error: &stroma_strata::Error) -> bool {
    use stroma_strata::Error as Set;
    match error {
        Set::Corrupt { .. }
        | Set::WrongKind { .. }
        | Set::ManifestMissing { .. }
        | Set::LayerMissing { .. } => true,
        Set::Kind { source, .. } => {
            source.downcast_ref::<LayerError>().is_some_and(layer_is_damaged)
                || matches!(source.downcast_ref(), Some(stroma_lsm::Error::Corrupt { .. }))
        }
        _ => false,
    }
}

fn layer_is_damaged(error: &LayerError) -> bool {
    matches!(error, LayerError::Corrupt { .. } | LayerError::Geometry { .. } | LayerError::Mismatch { .. })
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        "there are none yet: make one with `stroma index add`".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    }
}
