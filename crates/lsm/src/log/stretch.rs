//! A segment of the log as it is read from its start: in stretches of whole records, as far as their lengths tell.

use std::io::{self, Read as _};

use stroma_strata::storage::LogReader;

use super::record::{LENGTH_TOLD_WITHIN, SMALLEST_RECORD, StoredRecord};

/// So many bytes are read at once: few enough for a processor's cache to hold them until they were looked at.
pub(super) const STRETCH_BYTES: usize = 256 << 10;
/// So many stretches are kept to be filled again.
const SPARE_STRETCHES: usize = 8;

/// Bytes that are records one behind the other, if they are sound.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Kept at its length, so that it is filled with zeros once and not for each stretch.
    room: Vec<u8>,
    end: usize,
    offset: u64,
}

impl Stretch {
    /// Its bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.room[..self.end]
    }

    /// Where in the segment it begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct StretchReader {
    reader: Box<dyn LogReader>,
    is_sealed: bool,
    /// What was read and is not handed out yet.
    rest: Stretch,
    /// Bytes of the segment behind that, as its length says.
    left: u64,
    /// Whether what comes next is no record.
    has_ended: bool,
    spare: Vec<Vec<u8>>,
}

impl StretchReader {
    /// Of a segment whose records begin at `records_at`; `is_sealed` tells that they are encrypted.
    pub(super) fn new(
        reader: Box<dyn LogReader>,
        records_at: usize,
        is_sealed: bool,
    ) -> io::Result<StretchReader> {
        let left = reader.len();
        let rest = Stretch { room: Vec::new(), end: 0, offset: 0 };
        let mut stretches =
            StretchReader { reader, is_sealed, rest, left, has_ended: false, spare: Vec::new() };
        stretches.read_up_to(records_at)?;
        if stretches.rest.end < records_at {
            stretches.has_ended = true;
        } else {
            stretches.take(records_at);
        }
        Ok(stretches)
    }

    /// Where in the segment it stands: at the end of the last stretch.
    pub(super) fn offset(&self) -> u64 {
        self.rest.offset
    }

    /// The next stretch. None where no record can begin, or none that is whole.
    pub(super) fn next(&mut self) -> io::Result<Option<Stretch>> {
        if self.has_ended {
            return Ok(None);
        }
        self.read_up_to(STRETCH_BYTES)?;
        let mut bytes = self.whole_records();
        if bytes == 0
            && let Some(told) = StoredRecord::length_told(self.rest.bytes(), self.is_sealed)
            && told <= self.rest.end as u64 + self.left
        {
            self.read_up_to(usize::try_from(told).unwrap_or(usize::MAX))?;
            bytes = self.whole_records();
        }
        self.has_ended = bytes == 0;
        Ok((!self.has_ended).then(|| self.take(bytes)))
    }

    /// Bytes of the records that were read whole, by their lengths.
    fn whole_records(&self) -> usize {
        let bytes = self.rest.bytes();
        let mut at = 0;
        loop {
            let told_within = &bytes[at..bytes.len().min(at + LENGTH_TOLD_WITHIN)];
            match StoredRecord::length_told(told_within, self.is_sealed) {
                Some(told) if told >= SMALLEST_RECORD as u64 && told <= (bytes.len() - at) as u64 => {
                    at += told as usize;
                }
                _ => return at,
            }
        }
    }

    /// Hands out the first `count` bytes of what was read.
    fn take(&mut self, count: usize) -> Stretch {
        let rest = &self.rest.bytes()[count..];
        let mut room = self.spare.pop().unwrap_or_default();
        if room.len() < rest.len() {
            room.resize(rest.len().max(STRETCH_BYTES), 0);
        }
        room[..rest.len()].copy_from_slice(rest);
        let rest = Stretch { room, end: rest.len(), offset: self.rest.offset + count as u64 };
        let mut taken = std::mem::replace(&mut self.rest, rest);
        taken.end = count;
        taken
    }

    /// Takes back a stretch that was looked at, for its memory.
    pub(super) fn give_back(&mut self, stretch: Stretch) {
        if stretch.room.len() <= 2 * STRETCH_BYTES && self.spare.len() < SPARE_STRETCHES {
            self.spare.push(stretch.room);
        }
    }

    /// Reads on until so many bytes are there, if the segment has as many.
    fn read_up_to(&mut self, count: usize) -> io::Result<()> {
        let Stretch { room, end, .. } = &mut self.rest;
        let wanted = count.min(end.saturating_add(usize::try_from(self.left).unwrap_or(usize::MAX)));
        if room.len() < wanted {
            room.resize(wanted, 0);
        }
        while *end < wanted {
            match self.reader.read(&mut room[*end..wanted]) {
                // It is shorter than was said.
                Ok(0) => self.left = 0,
                Ok(read) => {
                    *end += read;
                    self.left -= read as u64;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            break;
        }
        Ok(())
    }

    /// Whether nothing but zeros follows. It stands anywhere then.
    pub(super) fn has_only_zeros(&mut self) -> io::Result<bool> {
        loop {
            if self.rest.bytes().iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            self.rest.offset += self.rest.end as u64;
            self.rest.end = 0;
            self.read_up_to(STRETCH_BYTES)?;
            if self.rest.end == 0 {
                return Ok(true);
            }
        }
    }
}
