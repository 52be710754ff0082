//! A short value in its stored form: how long it is, and the sequences that stand for it.

use super::decoder::{SLACK_BYTES, unpack_sequences};
use super::encoder::append_sequences;
use crate::Error;
use crate::coding::{Reader, put_varint};

/// Shorter values stay as they are, in bytes: in fewer there is hardly anything that repeats.
pub(super) const SHORTEST_VALUE: usize = 48;
/// Longer ones as well, and no stored length is believed to be more.
pub(super) const LONGEST_VALUE: usize = 8 << 10;

/// The part of a value that must be saved: less is not worth unpacking it whenever it is read.
const LEAST_SAVED: usize = 8;
/// The mark in front of the stored form.
const MARK_BYTES: usize = 1;

/// The bytes on the stack that values are unpacked to, cleared for each, by how long these are.
const SMALL_SCRATCH_BYTES: usize = 256;
const LARGE_SCRATCH_BYTES: usize = 1024 + SLACK_BYTES;

const PLACE: &str = "a packed value";

/// What stands behind the mark of a packed short value: its length as a varint, then sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortValue<'a> {
    length: usize,
    sequences: &'a [u8],
}

/// Appends a value in its stored form, if that saves enough; answers whether. If not, `out` is as it was.
pub(super) fn append_short(value: &[u8], out: &mut Vec<u8>) -> bool {
    if !(SHORTEST_VALUE..=LONGEST_VALUE).contains(&value.len()) {
        return false;
    }
    let start = out.len();
    put_varint(out, value.len() as u64);
    let head = MARK_BYTES + out.len() - start;
    let most = value.len() - value.len() / LEAST_SAVED - head;
    let is_packed = append_sequences(value, most, out);
    if !is_packed {
        out.truncate(start);
    }
    is_packed
}

impl<'a> ShortValue<'a> {
    /// The value behind a mark. That it can be unpacked is not known yet.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a length that no short value has.
    #[inline]
    pub(crate) fn new(stored: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(stored);
        let length = reader.varint().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        match length.filter(|length| (1..=LONGEST_VALUE).contains(length)) {
            Some(length) => Ok(ShortValue { length, sequences: reader.rest() }),
            None => Err(malformed()),
        }
    }

    /// The value behind a mark if it is at least so many bytes long, and sound.
    #[inline]
    pub(crate) fn unpack_if_from(stored: &'a [u8], bytes: usize) -> Option<Vec<u8>> {
        let value = ShortValue::new(stored).ok()?;
        if value.length < bytes { None } else { value.unpack().ok() }
    }

    /// What `read` makes of the value, which is lent from the stack if it is no longer than a KiB.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the sequences stand for nothing, or for more or fewer bytes.
    #[inline]
    pub(crate) fn with<R>(self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        if self.length + SLACK_BYTES <= SMALL_SCRATCH_BYTES {
            self.with_scratch::<R, SMALL_SCRATCH_BYTES>(read)
        } else {
            self.with_longer(read)
        }
    }

    #[inline(never)]
    fn with_longer<R>(self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        if self.length + SLACK_BYTES <= LARGE_SCRATCH_BYTES {
            self.with_scratch::<R, LARGE_SCRATCH_BYTES>(read)
        } else {
            Ok(read(&self.unpack()?))
        }
    }

    #[inline(always)]
    fn with_scratch<R, const BYTES: usize>(self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        let mut scratch = [0; BYTES];
        unpack_sequences(self.sequences, self.length, &mut scratch).ok_or_else(malformed)?;
        Ok(read(&scratch[..self.length]))
    }

    /// The value, in `scratch`, which is made longer where it has to be.
    ///
    /// # Errors
    /// As [`ShortValue::with`].
    #[inline]
    pub(crate) fn unpack_to(self, scratch: &mut Vec<u8>) -> Result<&[u8], Error> {
        let wanted = self.length + SLACK_BYTES;
        if scratch.len() < wanted {
            scratch.resize(wanted.max(SMALL_SCRATCH_BYTES), 0);
        }
        unpack_sequences(self.sequences, self.length, scratch).ok_or_else(malformed)?;
        Ok(&scratch[..self.length])
    }

    /// The value.
    ///
    /// # Errors
    /// As [`ShortValue::with`].
    pub(crate) fn unpack(self) -> Result<Vec<u8>, Error> {
        let mut value = vec![0; self.length + SLACK_BYTES];
        unpack_sequences(self.sequences, self.length, &mut value).ok_or_else(malformed)?;
        value.truncate(self.length);
        Ok(value)
    }
}

#[cold]
fn malformed() -> Error {
    Error::corrupt(PLACE, 0, "it is malformed")
}
