//! What can go wrong in a command, as one sentence for the person who ran it, and the exit code that says so.

use std::path::PathBuf;
use std::process::ExitCode;

/// The outcome of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command's words contradict each other or the data.
    #[error("{what}; {hint}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to say instead.
        hint: String,
    },
    /// A sample could not be added; those before it are in the index.
    #[error(
        "the sample `{sample}` was not added: {source}{}",
        if *.added > 0 { format!(" ({added} added before it stay; go on with --skip-existing)") } else { String::new() }
    )]
    Sample {
        /// Its name.
        sample: String,
        /// How many were added before it.
        added: usize,
        /// Why not.
        source: Box<stromatolite::Error>,
    },
    /// An import ended before its end; what was imported stays.
    #[error("{source} (the import ended there; {imported} documents before it were imported and stay)")]
    Import {
        /// How many documents were imported.
        imported: u64,
        /// Why it ended.
        source: Box<Failure>,
    },
    /// A file of records has a line that is none.
    #[error("{file}, line {line}: {what}")]
    Records {
        /// The file's name.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The system refused a file.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `check` read everything and found damage.
    #[error(
        "{0} damaged: restore what is named above from a backup, or keep what is whole with `stroma repair`"
    )]
    Damaged(String),
    /// `repair` is done, but something was lost.
    #[error(
        "repaired, with losses: what is named above was lost or has another name; {} is as it was",
        damaged.display()
    )]
    Losses {
        /// Where the damaged database is.
        damaged: PathBuf,
    },
    /// The database reported an error.
    #[error(transparent)]
    Database(#[from] stromatolite::Error),
    /// The server could not start or stopped with an error.
    #[error(transparent)]
    Server(#[from] stroma_server::Error),
    /// A running server could not be asked, or its answer not be read.
    #[error("cannot ask {address}: {what}")]
    Unanswered {
        /// Where it was asked.
        address: String,
        /// What went wrong.
        what: String,
    },
    /// The reader of our output went away (`stroma … | head`): not an error worth a word.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// A failed write to the output.
    pub(crate) fn output(source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::OutputClosed;
        }
        Failure::File { action: "write to", path: "the output".into(), source }
    }

    /// The code the process ends with; `stroma help` lists them.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::OutputClosed => ExitCode::SUCCESS,
            Failure::Usage { .. } => ExitCode::from(2),
            Failure::Damaged(_) | Failure::Losses { .. } => ExitCode::from(3),
            Failure::Import { source, .. } => source.exit_code(),
            _ => ExitCode::FAILURE,
        }
    }
}
