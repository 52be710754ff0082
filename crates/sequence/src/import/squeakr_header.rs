//! Both ends of a Squeakr file: the filter's description in front, the program's settings behind.
//!
//! As its published source defines them (`gqf_int.h` and `squeakrconfig.h` of Squeakr, format version 2).

use super::source::Source;
use super::{ImportError, ImportErrorKind};

/// What a file of the filter's library begins with; on a machine of the other byte order it is another number.
const MAGIC: u64 = 1_018_874_902_021_329_732;
/// Bytes of the filter's description.
pub(super) const FILTER_BYTES: u64 = 128;
const SETTINGS_BYTES: u64 = 36;
const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;
const VERSION: u32 = 2;
/// How keys were hashed, so that the hash can be taken back.
const INVERTIBLE: u32 = 1;
/// Bytes of a block beside its slots: an offset, a bit for each quotient, a bit for each end of a run.
pub(super) const BLOCK_HEAD: usize = 17;
pub(super) const BLOCK_SLOTS: u64 = 64;

const FILTER: &str = "the description of the filter";
const SETTINGS: &str = "the settings at the end";

/// What both ends say, checked against the length of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SqueakrHeader {
    pub(super) k: u8,
    pub(super) least: u64,
    /// Quotients that there may be, a power of two.
    pub(super) quotients: u64,
    /// Bits of a slot, which holds a remainder or a digit of a counter.
    pub(super) slot_bits: u32,
    pub(super) blocks: u64,
    pub(super) kmers: u64,
}

/// Whether a file begins as the filter's library writes it.
pub(super) fn is_squeakr(start: &[u8]) -> bool {
    start.starts_with(&MAGIC.to_le_bytes())
}

impl SqueakrHeader {
    /// Reads both ends. The source stands before the first block then.
    pub(super) fn read(source: &mut Source) -> Result<SqueakrHeader, ImportError> {
        source.go_to(0, FILTER)?;
        if source.u64(FILTER)? != MAGIC {
            return Err(source.fail(0, ImportErrorKind::Unknown));
        }
        let hash_mode = source.u32(FILTER)?;
        let _reserved = source.u32(FILTER)?;
        let block_bytes = source.u64(FILTER)?;
        // And what aligns the next number.
        let _seed = source.u64(FILTER)?;
        let [quotients, _slots, key_bits, value_bits, remainder_bits, slot_bits] = numbers(source)?;
        let _range: [u64; 2] = numbers(source)?;
        let [blocks, _inserted, kmers, _occupied] = numbers(source)?;
        debug_assert_eq!(source.at(), FILTER_BYTES);
        if hash_mode != INVERTIBLE {
            return Err(source.fail(8, ImportErrorKind::Hashed));
        }
        let behind = FILTER_BYTES.checked_add(block_bytes);
        if behind.and_then(|behind| behind.checked_add(SETTINGS_BYTES)) != Some(source.bytes()) {
            let at = source.bytes();
            return Err(source.damaged(at, "it is not as long as its description says"));
        }
        let (k, least) = settings(source, FILTER_BYTES + block_bytes)?;
        let fits = quotients.is_power_of_two()
            && key_bits == 2 * u64::from(k)
            && value_bits == 0
            && (2..64).contains(&slot_bits)
            && slot_bits == remainder_bits
            && u64::from(quotients.trailing_zeros()) + remainder_bits == key_bits
            && blocks.checked_mul(BLOCK_SLOTS).is_some_and(|slots| slots >= quotients)
            && blocks.checked_mul(BLOCK_HEAD as u64 + 8 * slot_bits) == Some(block_bytes);
        if !fits {
            return Err(source.damaged(0, "the description of the filter contradicts itself"));
        }
        source.go_to(FILTER_BYTES, FILTER)?;
        Ok(SqueakrHeader { k, least, quotients, slot_bits: slot_bits as u32, blocks, kmers })
    }
}

fn numbers<const N: usize>(source: &mut Source) -> Result<[u64; N], ImportError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = source.u64(FILTER)?;
    }
    Ok(numbers)
}

/// k, and the least count that was kept.
fn settings(source: &mut Source, start: u64) -> Result<(u8, u64), ImportError> {
    source.go_to(start, SETTINGS)?;
    let k = source.u64(SETTINGS)?;
    let least = source.u64(SETTINGS)?;
    let _has_counts = source.u64(SETTINGS)?;
    let byte_order = source.u64(SETTINGS)?;
    let version = source.u32(SETTINGS)?;
    if byte_order != BYTE_ORDER {
        return Err(source.damaged(start + 24, "the mark of the byte order is missing"));
    }
    if version != VERSION {
        let kind = ImportErrorKind::Version { program: "Squeakr", found: version, known: "version 2" };
        return Err(source.fail(start + 32, kind));
    }
    let k = super::file::supported_k(k).map_err(|kind| source.fail(start, kind))?;
    if k > 31 {
        // Exact files hold k-mers in words of 64 bits.
        return Err(source.damaged(start, "its k-mers do not fit its words"));
    }
    Ok((k, least))
}
