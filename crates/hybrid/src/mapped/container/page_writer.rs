//! Writes one section: gathers bytes, takes the checksum of each full page, hands many pages on at once.

use std::io::Write;

use xxhash_rust::xxh3::xxh3_64;

use crate::pages::PAGE_BYTES;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 * PAGE_BYTES;

/// A section that is being written to `into`.
#[derive(Debug)]
pub(super) struct PageWriter<W> {
    into: W,
    buffer: Vec<u8>,
    /// XXH3-64 of the pages written.
    checksums: Vec<u64>,
    /// Bytes pushed, those in the buffer included.
    length: u64,
}

impl<W: Write> PageWriter<W> {
    pub(super) fn new(into: W) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES + PAGE_BYTES);
        Self { into, buffer, checksums: Vec::new(), length: 0 }
    }

    /// Adds what `append` puts at the end of the vector it is given.
    #[inline]
    pub(super) fn push(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> std::io::Result<()> {
        let before = self.buffer.len();
        append(&mut self.buffer);
        self.length += (self.buffer.len() - before) as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.write_pages() } else { Ok(()) }
    }

    fn write_pages(&mut self) -> std::io::Result<()> {
        let (pages, rest) = self.buffer.as_chunks::<PAGE_BYTES>();
        self.checksums.extend(pages.iter().map(|page| xxh3_64(page)));
        self.into.write_all(pages.as_flattened())?;
        let rest = rest.len();
        self.buffer.drain(..self.buffer.len() - rest);
        Ok(())
    }

    /// Fills the last page with zeros and writes what is left: gives back where it was written to, the bytes pushed,
    /// and the pages' checksums.
    pub(super) fn finish(mut self) -> std::io::Result<(W, u64, Vec<u64>)> {
        self.buffer.resize(self.buffer.len().next_multiple_of(PAGE_BYTES), 0);
        self.write_pages()?;
        Ok((self.into, self.length, self.checksums))
    }
}
