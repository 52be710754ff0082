//! A file that is read from front to back, with the place told when it ends too early.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{ImportError, ImportErrorKind};
use crate::reader::open_file;

/// What can be read from any place.
pub(super) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// An open file and where reading is.
pub(super) struct Source {
    reader: BufReader<Box<dyn ReadSeek>>,
    name: String,
    at: u64,
    bytes: u64,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Source").field("name", &self.name).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Source, ImportError> {
        let name = path.display().to_string();
        match open_file(path) {
            Ok(file) => Source::new(file, name),
            Err(cause) => Err(ImportError { file: name, offset: 0, kind: ImportErrorKind::Open(cause) }),
        }
    }

    pub(super) fn new(mut bytes: impl ReadSeek + 'static, name: String) -> Result<Source, ImportError> {
        let length = bytes.seek(SeekFrom::End(0)).and_then(|length| bytes.rewind().map(|()| length));
        match length {
            Ok(length) => {
                let reader = BufReader::with_capacity(1 << 16, Box::new(bytes) as Box<dyn ReadSeek>);
                Ok(Source { reader, name, at: 0, bytes: length })
            }
            Err(cause) => Err(ImportError { file: name, offset: 0, kind: ImportErrorKind::Io(cause) }),
        }
    }

    /// Bytes of the whole file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the next byte is read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// An error at a place of this file.
    pub(super) fn fail(&self, offset: u64, kind: ImportErrorKind) -> ImportError {
        ImportError { file: self.name.clone(), offset, kind }
    }

    pub(super) fn damaged(&self, offset: u64, what: &'static str) -> ImportError {
        self.fail(offset, ImportErrorKind::Damaged { what })
    }

    /// Goes on reading elsewhere; `what` lies there.
    pub(super) fn go_to(&mut self, at: u64, what: &'static str) -> Result<(), ImportError> {
        if at > self.bytes {
            return Err(self.fail(self.bytes, ImportErrorKind::Cut { what }));
        }
        let moved = self.reader.seek(SeekFrom::Start(at));
        self.at = moved.map_err(|cause| self.fail(at, ImportErrorKind::Io(cause)))?;
        Ok(())
    }

    /// Fills `into` with the next bytes.
    #[inline]
    pub(super) fn fill(&mut self, into: &mut [u8], what: &'static str) -> Result<(), ImportError> {
        if let Err(cause) = self.reader.read_exact(into) {
            let is_end = cause.kind() == std::io::ErrorKind::UnexpectedEof;
            let kind = if is_end { ImportErrorKind::Cut { what } } else { ImportErrorKind::Io(cause) };
            return Err(self.fail(self.at, kind));
        }
        self.at += into.len() as u64;
        Ok(())
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, ImportError> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes, what)?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, ImportError> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes, what)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
