//! A segment of the log as it is read from its start: a piece of it is in memory, not all.

use std::io::{self, Read as _};

use stroma_strata::storage::LogReader;

/// So many bytes are read at once: few enough for a processor's cache to hold them until they were looked at.
const PIECE_BYTES: usize = 256 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    reader: Box<dyn LogReader>,
    /// Kept at its length, so that it is filled with zeros once and not for each piece.
    bytes: Vec<u8>,
    /// What comes next begins here in `bytes`, and there in the segment.
    next: usize,
    /// What was read ends here in `bytes`.
    end: usize,
    offset: u64,
    /// Bytes of the segment from `offset` on, as its length says.
    left: u64,
}

impl Window {
    /// At the start of a segment.
    pub(super) fn new(reader: Box<dyn LogReader>) -> Window {
        let left = reader.len();
        Window { reader, bytes: Vec::new(), next: 0, end: 0, offset: 0, left }
    }

    /// Where in the segment it stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in memory of what comes next.
    #[inline]
    pub(super) fn next(&self) -> &[u8] {
        &self.bytes[self.next..self.end]
    }

    /// Goes on behind `count` bytes of [`Window::next`].
    #[inline]
    pub(super) fn pass(&mut self, count: usize) {
        self.next += count;
        self.offset += count as u64;
        self.left -= count as u64;
    }

    /// Makes [`Window::next`] at least `count` bytes long; answers whether the segment has as many.
    #[inline]
    pub(super) fn hold(&mut self, count: u64) -> io::Result<bool> {
        if count <= self.next().len() as u64 {
            return Ok(true);
        }
        if count > self.left {
            return Ok(false);
        }
        self.read_more(count as usize)
    }

    fn read_more(&mut self, count: usize) -> io::Result<bool> {
        self.bytes.copy_within(self.next..self.end, 0);
        (self.next, self.end) = (0, self.end - self.next);
        let wanted = count.max(PIECE_BYTES).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        while self.end < wanted {
            match self.reader.read(&mut self.bytes[self.end..wanted]) {
                // It may be shorter than was said.
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count <= self.end)
    }

    /// Whether nothing but zeros follows. It stands anywhere then.
    pub(super) fn has_only_zeros(&mut self) -> io::Result<bool> {
        loop {
            if self.next().iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            self.pass(self.next().len());
            if !self.hold(1)? {
                return Ok(true);
            }
        }
    }
}
