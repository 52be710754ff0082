//! Hands out the lines of a decompressed stream, counted, without their line breaks, with bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use super::{Compression, ReadErrorKind};

/// Most bytes in one line: longer than any chromosome (the largest known are near 4 billion bases).
pub(super) const LINE_LIMIT: usize = u32::MAX as usize;

/// Most bytes in a header or separator line.
pub(super) const HEADER_LIMIT: usize = 1 << 20;

const BUFFER_BYTES: usize = 1 << 16;

/// A reader of lines with one byte of look-ahead.
pub(super) struct Lines {
    source: BufReader<Box<dyn Read + Send>>,
    compression: Compression,
    /// Number of the line handed out last, from 1.
    pub(super) number: u64,
}

impl Lines {
    pub(super) fn new(source: Box<dyn Read + Send>, compression: Compression) -> Self {
        Lines { source: BufReader::with_capacity(BUFFER_BYTES, source), compression, number: 0 }
    }

    /// The next byte without taking it; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ReadErrorKind> {
        loop {
            match self.source.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failed(cause)),
            }
        }
    }

    /// Appends the next line to `into` without its line break (`\n` or `\r\n`); `false` at the end.
    ///
    /// A line of more than `limit` bytes is an error.
    pub(super) fn next_into(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<bool, ReadErrorKind> {
        let start = into.len();
        let mut any = false;
        loop {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(self.failed(cause)),
            };
            if buffer.is_empty() {
                break;
            }
            if !any {
                any = true;
                self.number += 1;
            }
            let found = buffer.iter().position(|&byte| byte == b'\n');
            let take = found.unwrap_or(buffer.len());
            if into.len() - start + take > limit {
                return Err(ReadErrorKind::TooLong { limit });
            }
            into.extend_from_slice(&buffer[..take]);
            let consumed = take + usize::from(found.is_some());
            self.source.consume(consumed);
            if found.is_some() {
                break;
            }
        }
        while into.len() > start && matches!(into.last(), Some(b'\r' | b' ' | b'\t')) {
            into.pop();
        }
        Ok(any)
    }

    /// Puts an error of the source or decoder into words.
    fn failed(&self, cause: io::Error) -> ReadErrorKind {
        let compression = self.compression;
        if compression == Compression::Plain || cause.raw_os_error().is_some() {
            return ReadErrorKind::Io(cause);
        }
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => ReadErrorKind::Truncated { compression },
            _ => ReadErrorKind::Corrupt { compression, cause },
        }
    }
}
