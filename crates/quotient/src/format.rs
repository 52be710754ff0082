//! The stored form of a filter; documented byte by byte in `docs/formats/quotient-filter.md`.

use core::convert::Infallible;
use std::io::Write;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::blocks::{BITMAPS, Blocks};
use crate::validate::{self, Tally};
use crate::{CountingFilter, Error, Shape};

const MAGIC: [u8; 8] = *b"STRMCQFL";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const CHECKSUM_BYTES: usize = 8;

impl CountingFilter {
    /// Bytes of the stored form.
    pub fn stored_bytes(&self) -> u64 {
        (HEADER_BYTES + self.blocks.words().len() * 8 + CHECKSUM_BYTES) as u64
    }

    fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        let bits = [VERSION, self.shape.quotient_bits, self.shape.remainder_bits, 0];
        for (field, value) in header[8..24].chunks_exact_mut(4).zip(bits) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        let numbers = [self.blocks.count() as u64, self.distinct, self.total, self.used];
        for (field, value) in header[24..56].chunks_exact_mut(8).zip(numbers) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        let checksum = xxh3_64(&header[..56]);
        header[56..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Hands the stored form to `sink`, part by part.
    fn emit<E>(&self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        sink(&self.header())?;
        let mut hasher = Xxh3Default::new();
        let mut buffer = Vec::with_capacity(8 << 10);
        for words in self.blocks.words().chunks(1 << 10) {
            buffer.clear();
            words.iter().for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
            hasher.update(&buffer);
            sink(&buffer)?;
        }
        sink(&hasher.digest().to_le_bytes())
    }

    /// Writes the stored form, without holding it in memory as a whole.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write_to(&self, mut output: impl Write) -> Result<(), Error> {
        self.emit(|part| output.write_all(part).map_err(Error::Write))
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.stored_bytes() as usize);
        let Ok(()) = self.emit::<Infallible>(|part| {
            bytes.extend_from_slice(part);
            Ok(())
        });
        bytes
    }

    /// Opens a stored filter, copying its slots. `bytes` must be exactly the filter's own.
    ///
    /// Verifies checksums, and then that the slots are exactly what a filter would hold. O(slots).
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::BadMagic`], [`Error::UnsupportedVersion`],
    /// [`Error::ChecksumMismatch`], [`Error::BadShape`], [`Error::Inconsistent`] or [`Error::OutOfMemory`];
    /// never panics, whatever the bytes are.
    pub fn open(bytes: &[u8]) -> Result<Self, Error> {
        let header = check_header(bytes)?;
        let Header { shape, slots, expected } = header;
        let mut blocks = Blocks::new(shape)?;
        let (words, _) = slots.as_chunks();
        for (word, stored) in blocks.words_mut().iter_mut().zip(words) {
            *word = u64::from_le_bytes(*stored);
        }
        let tally = validate::check(shape, &blocks)?;
        if tally != expected {
            return Err(Error::Inconsistent { slot: 0, what: "other totals than the header says" });
        }
        let last = blocks.count() - 1;
        blocks.refresh_offsets(0, last);
        let Tally { distinct, total, used } = tally;
        Ok(Self { shape, blocks, distinct, total, used })
    }
}

struct Header<'a> {
    shape: Shape,
    slots: &'a [u8],
    expected: Tally,
}

/// Checks everything but the slots' contents.
fn check_header(bytes: &[u8]) -> Result<Header<'_>, Error> {
    let available = bytes.len() as u64;
    if let Some(found) = bytes.first_chunk::<8>()
        && *found != MAGIC
    {
        return Err(Error::BadMagic { found: *found });
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(Error::Truncated { needed: (HEADER_BYTES + CHECKSUM_BYTES) as u64, available });
    };
    let version = u32_at(header, 8);
    if version != VERSION {
        return Err(Error::UnsupportedVersion { found: version, supported: VERSION });
    }
    check_sum("header", &header[..56], u64_at(header, 56))?;
    let shape = Shape { quotient_bits: u32_at(header, 12), remainder_bits: u32_at(header, 16) };
    shape.check()?;
    if u64_at(header, 24) != shape.blocks() as u64 || u32_at(header, 20) != 0 {
        return Err(Error::Inconsistent { slot: 0, what: "another number of blocks than the shape has" });
    }
    let slot_bytes = shape.blocks() as u64 * (BITMAPS as u64 + u64::from(shape.remainder_bits)) * 8;
    let needed = slot_bytes + (HEADER_BYTES + CHECKSUM_BYTES) as u64;
    if available < needed {
        return Err(Error::Truncated { needed, available });
    }
    if available > needed {
        return Err(Error::TrailingBytes { needed, available });
    }
    let (slots, checksum) = rest.split_at(rest.len() - CHECKSUM_BYTES);
    check_sum("slots", slots, u64_at(checksum, 0))?;
    let expected =
        Tally { distinct: u64_at(header, 32), total: u64_at(header, 40), used: u64_at(header, 48) };
    Ok(Header { shape, slots, expected })
}

fn check_sum(part: &'static str, bytes: &[u8], stored: u64) -> Result<(), Error> {
    let computed = xxh3_64(bytes);
    if stored == computed { Ok(()) } else { Err(Error::ChecksumMismatch { part, stored, computed }) }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut own = [0; 4];
    own.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(own)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut own = [0; 8];
    own.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(own)
}
