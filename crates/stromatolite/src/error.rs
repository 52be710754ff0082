//! What can go wrong with the whole house: the parts' own errors, and those of the folder they share.

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
    /// The format file is damaged.
    #[error("{file} is damaged: it should say `stromatolite` and a number; restore it from a backup")]
    DamagedFormat {
        /// The file.
        file: String,
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
    #[error("a sequence index `{name}` already exists")]
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
        "{file} is no file of a Stromatolite database, or not there: name a file in `layers`, `manifest` or `log`"
    )]
    UnknownFile {
        /// The file.
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

fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        "there are none yet: make one with `stroma index add`".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    }
}
