//! A cursor over untrusted bytes: every step is checked and every error tells the offset.

use crate::Error;

/// Reads little-endian fields one after the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    file: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], file: &'a str) -> Reader<'a> {
        Reader { bytes, at: 0, file }
    }

    pub(super) fn corrupt_at(&self, offset: u64, what: &str) -> Error {
        Error::Corrupt { file: self.file.to_owned(), offset, what: what.to_owned() }
    }

    fn corrupt(&self, what: &str) -> Error {
        self.corrupt_at(self.at as u64, what)
    }

    pub(super) fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], Error> {
        match self.bytes[self.at..].get(..length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => Err(self.corrupt(&format!("it ends within {what}"))),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A count of items of at least `smallest_item` bytes each: one that cannot be true is refused, so that
    /// no loop or allocation follows a hostile number.
    pub(super) fn count(&mut self, smallest_item: usize, what: &str) -> Result<usize, Error> {
        let start = self.at as u64;
        let count = self.u32(what)? as usize;
        if count > (self.bytes.len() - self.at) / smallest_item {
            return Err(self.corrupt_at(start, &format!("it cannot hold {count} of {what}")));
        }
        Ok(count)
    }

    pub(super) fn bytes(&mut self, what: &str) -> Result<Vec<u8>, Error> {
        let length = self.u32(what)? as usize;
        Ok(self.take(length, what)?.to_vec())
    }

    pub(super) fn name(&mut self, what: &str) -> Result<String, Error> {
        let length = u16::from_le_bytes(self.array(what)?) as usize;
        let start = self.at as u64;
        let bytes = self.take(length, what)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.corrupt_at(start, &format!("{what} is not UTF-8")))
    }

    /// Everything must have been read.
    pub(super) fn end(&self) -> Result<(), Error> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.corrupt("bytes follow the last field")) }
    }
}
