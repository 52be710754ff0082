//! The stored form of a filter; documented byte by byte in `docs/formats/quotient-filter.md`.

use core::convert::Infallible;
use std::io::Write;

use xxhash_rust::xxh3::xxh3_64;

use crate::blocks::block_bytes;
use crate::filter::Totals;
use crate::shape::Division;
use crate::{Error, Key, QuotientFilter, Shape, validate};

const MAGIC: [u8; 8] = *b"STRMCQFL";
const VERSION: u32 = 2;
pub(crate) const HEADER_BYTES: usize = 48;
pub(crate) const FOOTER_BYTES: usize = 40;

pub(crate) fn header(shape: Shape) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    for (field, part) in header[12..28].chunks_exact_mut(4).zip(shape.to_parts()) {
        field.copy_from_slice(&part.to_le_bytes());
    }
    header[32..40].copy_from_slice(&(shape.blocks() as u64).to_le_bytes());
    let checksum = xxh3_64(&header[..40]);
    header[40..].copy_from_slice(&checksum.to_le_bytes());
    header
}

pub(crate) fn footer(totals: Totals, blocks_checksum: u64) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    let numbers = [totals.distinct, totals.total, totals.used, blocks_checksum];
    for (field, number) in footer.chunks_exact_mut(8).zip(numbers) {
        field.copy_from_slice(&number.to_le_bytes());
    }
    let checksum = xxh3_64(&footer[..32]);
    footer[32..].copy_from_slice(&checksum.to_le_bytes());
    footer
}

impl<K: Key> QuotientFilter<K> {
    /// Bytes of the stored form of a filter of this shape.
    pub(crate) fn stored_bytes_of(shape: Shape, division: &Division) -> Result<usize, Error> {
        let blocks = shape.blocks() as u128 * block_bytes(division.slot_bits) as u128;
        let bytes = blocks + (HEADER_BYTES + FOOTER_BYTES) as u128;
        usize::try_from(bytes).map_err(|_| Error::OutOfMemory { bytes: bytes as u64 })
    }
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    pub(crate) fn block_bytes(&self) -> &[u8] {
        let length = self.block_count * block_bytes(self.division.slot_bits);
        &self.store.as_ref()[HEADER_BYTES..HEADER_BYTES + length]
    }

    /// Bytes of the stored form.
    pub fn stored_bytes(&self) -> u64 {
        (HEADER_BYTES + self.block_bytes().len() + FOOTER_BYTES) as u64
    }

    /// Hands the stored form to `sink`, part by part.
    fn emit<E>(&self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        sink(&header(self.shape))?;
        sink(self.block_bytes())?;
        sink(&footer(self.totals, xxh3_64(self.block_bytes())))
    }

    /// Writes the stored form.
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

    /// Opens a stored filter where it lies: in a vector, a slice, a mapped file. `store` must hold exactly
    /// the filter's own bytes.
    ///
    /// Verifies all checksums now, not when a page is first touched, and that the slots are exactly what a
    /// filter would hold; so what is asked later needs no checks and cannot fail. O(slots), in one pass from
    /// front to back. The bytes must not change while the filter is open but through it: a lookup in bytes
    /// that did may panic or answer nonsense, though it does nothing unsafe.
    ///
    /// The type of the filter names what holds the bytes: over a vector it is `CountingFilter<Vec<u8>>`, which cannot
    /// grow. `CountingFilter` alone is over [`Memory`](crate::Memory), which takes a vector over without copying it:
    ///
    /// ```
    /// use stroma_quotient::{CountingFilter, Memory, Shape};
    ///
    /// let bytes: Vec<u8> = CountingFilter::new(Shape::for_slots(100, 32)?)?.to_bytes();
    /// let mut filter: CountingFilter = CountingFilter::open(Memory::from(bytes))?;
    /// filter.grow()?;
    /// # Ok::<(), stroma_quotient::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::BadMagic`], [`Error::UnsupportedVersion`],
    /// [`Error::ChecksumMismatch`], [`Error::BadShape`] (also for keys wider than `K`) or
    /// [`Error::Inconsistent`]; never panics, whatever the bytes are.
    pub fn open(store: S) -> Result<Self, Error> {
        let (shape, totals) = check_frame::<K>(store.as_ref())?;
        let filter = Self::from_checked(shape, store, totals)?;
        check_slots_sum(filter.store.as_ref(), filter.block_bytes())?;
        let found = validate::check::<K>(&filter.division, &filter.blocks())?;
        if found != totals {
            return Err(Error::Inconsistent { slot: 0, what: "other totals than the footer says" });
        }
        Ok(filter)
    }

    /// Gives back what holds the bytes. After changes these are no stored form before [`seal`](Self::seal).
    pub fn into_store(self) -> S {
        self.store
    }
}

impl<K: Key, S: AsRef<[u8]> + AsMut<[u8]>> QuotientFilter<K, S> {
    /// Makes an empty filter in bytes that are there: a mapped file, for one. They are overwritten.
    ///
    /// # Errors
    /// [`Error::BadShape`], [`Error::Truncated`] or [`Error::TrailingBytes`] if there are not just as many bytes
    /// as [`stored_size`] tells.
    pub fn create_in(mut store: S, shape: Shape) -> Result<Self, Error> {
        let (needed, available) = (stored_size::<K>(shape)?, store.as_ref().len() as u64);
        match available {
            _ if available < needed => return Err(Error::Truncated { needed, available }),
            _ if available > needed => return Err(Error::TrailingBytes { needed, available }),
            _ => store.as_mut().fill(0),
        }
        let mut filter = Self::from_checked(shape, store, Totals::default())?;
        filter.seal();
        Ok(filter)
    }

    /// Writes header, totals and checksums into the bytes that hold the filter, which are its stored form
    /// then, until the next change. O(bytes), for the checksum.
    pub fn seal(&mut self) {
        let checksum = xxh3_64(self.block_bytes());
        let end = HEADER_BYTES + self.block_bytes().len();
        let (header, footer) = (header(self.shape), footer(self.totals, checksum));
        let bytes = self.store.as_mut();
        bytes[..HEADER_BYTES].copy_from_slice(&header);
        bytes[end..end + FOOTER_BYTES].copy_from_slice(&footer);
    }
}

/// Bytes that a filter of this shape takes, in memory as in a file.
///
/// # Errors
/// [`Error::BadShape`] if keys or slots are wider than `K`.
pub fn stored_size<K: Key>(shape: Shape) -> Result<u64, Error> {
    QuotientFilter::<K>::stored_bytes_of(shape, &Division::new::<K>(shape)?).map(|bytes| bytes as u64)
}

/// Checks everything but the slots and their checksum.
pub(crate) fn check_frame<K: Key>(bytes: &[u8]) -> Result<(Shape, Totals), Error> {
    let available = bytes.len() as u64;
    if let Some(found) = bytes.first_chunk::<8>()
        && *found != MAGIC
    {
        return Err(Error::BadMagic { found: *found });
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(Error::Truncated { needed: (HEADER_BYTES + FOOTER_BYTES) as u64, available });
    };
    let version = u32_at(header, 8);
    if version != VERSION {
        return Err(Error::UnsupportedVersion { found: version, supported: VERSION });
    }
    check_sum("header", &header[..40], u64_at(header, 40))?;
    let shape = Shape::from_parts([12, 16, 20, 24].map(|at| u32_at(header, at)))?;
    if u64_at(header, 32) != shape.blocks() as u64 || u32_at(header, 28) != 0 {
        return Err(Error::Inconsistent { slot: 0, what: "another number of blocks than the shape has" });
    }
    let needed = stored_size::<K>(shape)?;
    if available < needed {
        return Err(Error::Truncated { needed, available });
    }
    if available > needed {
        return Err(Error::TrailingBytes { needed, available });
    }
    let footer = &rest[rest.len() - FOOTER_BYTES..];
    check_sum("footer", &footer[..32], u64_at(footer, 32))?;
    let [distinct, total, used] = [0, 8, 16].map(|at| u64_at(footer, at));
    Ok((shape, Totals { distinct, total, used }))
}

/// Checks the slots' checksum, which is in the footer.
fn check_slots_sum(bytes: &[u8], slots: &[u8]) -> Result<(), Error> {
    check_sum("slots", slots, u64_at(&bytes[bytes.len() - FOOTER_BYTES..], 24))
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
    crate::key::word(bytes, at)
}
