//! Reading a value a piece at a time.

use std::io;

use super::format::PIECE_BYTES;
use super::lookup::Located;
use super::reading::Starts;
use crate::Error;

/// A value as a stream: it takes 64 KiB of memory for a value in a value file, however long that is, and 8 KiB more
/// if it is compressed and not read from front to back. Overwriting or
/// deleting the key does not change it, nor does closing the database.
///
/// Damage comes as an [`io::Error`] of kind `InvalidData` that holds the [`Error`].
#[derive(Debug)]
pub struct ValueReader {
    value: Located,
    position: u64,
    /// The piece that was read last, and its number.
    piece: Vec<u8>,
    number: Option<u64>,
    starts: Starts,
}

impl ValueReader {
    pub(super) fn new(value: Located) -> Self {
        ValueReader { value, position: 0, piece: Vec::new(), number: None, starts: Starts::default() }
    }

    /// The length of the value in bytes.
    pub fn len(&self) -> u64 {
        match &self.value {
            Located::Inline(value) => value.len() as u64,
            Located::Stored(_, reference) => reference.length,
        }
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes from the position on that can be had at once: none at the end.
    fn available(&mut self) -> Result<&[u8], Error> {
        match &self.value {
            Located::Inline(value) => {
                let start = self.position.min(value.len() as u64) as usize;
                Ok(&value[start..])
            }
            Located::Stored(_, reference) if self.position >= reference.length => Ok(&[]),
            Located::Stored(file, reference) => {
                let number = self.position / PIECE_BYTES as u64;
                if self.number != Some(number) {
                    self.number = None;
                    file.read_piece(*reference, number, &mut self.starts, &mut self.piece)?;
                    self.number = Some(number);
                }
                Ok(&self.piece[(self.position % PIECE_BYTES as u64) as usize..])
            }
        }
    }
}

impl io::Read for ValueReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available =
            self.available().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl io::Seek for ValueReader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let target = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.len().checked_add_signed(by),
            io::SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let before_start = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the value");
        self.position = target.ok_or_else(before_start)?;
        Ok(self.position)
    }
}
