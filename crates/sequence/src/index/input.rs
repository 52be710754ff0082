//! Where the sequences of a sample come from.

use std::fmt;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use crate::reader::{ReadError, RecordReader, open_path, open_reader};

/// A file or stream of FASTA or FASTQ records, plain or compressed.
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// A stream, such as standard input.
    Stream {
        /// Stands for the stream in error messages.
        name: String,
        /// The bytes.
        source: Box<dyn Read + Send>,
    },
}

impl Input {
    /// The file at `path`.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Input::Path(path.into())
    }

    /// The bytes of a stream, called `name` in error messages.
    pub fn stream(name: impl Into<String>, source: impl Read + Send + 'static) -> Self {
        Input::Stream { name: name.into(), source: Box::new(source) }
    }

    /// Bytes in memory, called `name` in error messages.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Input::stream(name, Cursor::new(bytes.into()))
    }

    /// What it is called in error messages.
    pub fn name(&self) -> String {
        match self {
            Input::Path(path) => path.display().to_string(),
            Input::Stream { name, .. } => name.clone(),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`open_path`] and [`open_reader`].
    pub fn open(self) -> Result<RecordReader, ReadError> {
        match self {
            Input::Path(path) => open_path(path),
            Input::Stream { name, source } => open_reader(source, &name),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Input").field(&self.name()).finish()
    }
}
