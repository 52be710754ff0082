//! Where the sequences of a sample come from.

use std::fmt;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use crate::reader::{Format, ReadError, RecordReader, open_path, open_reader};

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
    /// An input that must hold records of one format.
    Expecting {
        /// The format.
        format: Format,
        /// The input.
        input: Box<Input>,
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

    /// The same input, which must hold records of this format: if it holds the other, opening it is an error.
    #[must_use]
    pub fn expecting(self, format: Format) -> Self {
        Input::Expecting { format, input: Box::new(self) }
    }

    /// What it is called in error messages.
    pub fn name(&self) -> String {
        match self {
            Input::Path(path) => path.display().to_string(),
            Input::Stream { name, .. } => name.clone(),
            Input::Expecting { input, .. } => input.name(),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`open_path`] and [`open_reader`], and where another format is [expected](Self::expecting).
    pub fn open(self) -> Result<RecordReader, ReadError> {
        match self {
            Input::Path(path) => open_path(path),
            Input::Stream { name, source } => open_reader(source, &name),
            Input::Expecting { format, input } => input.open()?.expect_format(format),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Input").field(&self.name()).finish()
    }
}
