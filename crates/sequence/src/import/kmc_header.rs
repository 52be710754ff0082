//! The header of a database of KMC: at the end of its `.kmc_pre` file, told from behind.
//!
//! Written from how KMC's own library reads and writes them (`kmc_api/kmc_file.cpp` and `kmc_core/kb_completer.cpp`,
//! KMC 3.2), which are the description of the format; the code is ours.

use super::source::Source;
use super::{ImportError, ImportErrorKind};

const PREFIX_MARK: &[u8; 4] = b"KMCP";
const SUFFIX_MARK: &[u8; 4] = b"KMCS";
const MARK_BYTES: u64 = 4;
/// At the end: version (counted to the header), length of the header, mark.
const TRAILER_BYTES: u64 = 8;
const VERSION_BYTES: u64 = 4;
/// Both versions have as many bytes of fields that are read here.
const FIELD_BYTES: u64 = 37;

/// The version that KMC 2 and 3 write; version 0 is KMC 1's, which `kmc_tools` still writes.
const VERSION_2: u32 = 0x200;

const HEADER: &str = "the header";

/// What the header says, checked against the lengths of both files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KmcHeader {
    pub(super) k: u8,
    /// Bases that are told by the table of prefixes, the first ones of a k-mer.
    pub(super) prefix_bases: u32,
    /// Bytes of a record that hold the bases after the prefix, four each.
    pub(super) suffix_bytes: usize,
    /// Bytes of a record's counter; without one each k-mer counts as one.
    pub(super) counter_bytes: usize,
    /// Counts outside of these bounds are not to be listed.
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) records: u64,
    /// Entries of the tables of prefixes: one table, or one for each bin.
    pub(super) entries: u64,
}

impl KmcHeader {
    /// Reads the header from the one file and holds it against the other's length. Both stand behind their first mark
    /// then.
    pub(super) fn read(prefixes: &mut Source, suffixes: &mut Source) -> Result<KmcHeader, ImportError> {
        check_marks(prefixes, PREFIX_MARK)?;
        check_marks(suffixes, SUFFIX_MARK)?;
        let end = prefixes.bytes() - TRAILER_BYTES;
        if end < MARK_BYTES + VERSION_BYTES {
            return Err(prefixes.fail(end, ImportErrorKind::Cut { what: HEADER }));
        }
        prefixes.go_to(end - VERSION_BYTES, HEADER)?;
        let version = prefixes.u32(HEADER)?;
        let length = u64::from(prefixes.u32(HEADER)?);
        if version != 0 && version != VERSION_2 {
            let known = "those of KMC 1 (0x0) and of KMC 2 and 3 (0x200)";
            let kind = ImportErrorKind::Version { program: "KMC", found: version, known };
            return Err(prefixes.fail(end - VERSION_BYTES, kind));
        }
        let start = end.checked_sub(length).filter(|&start| start >= MARK_BYTES);
        let start = start.filter(|_| length >= FIELD_BYTES + VERSION_BYTES);
        let start = start.ok_or_else(|| prefixes.damaged(end, "the length of the header makes no sense"))?;
        let header = fields(prefixes, start, version == VERSION_2)?;
        let record = header.suffix_bytes as u64 + header.counter_bytes as u64;
        let expected = header.records.checked_mul(record).and_then(|bytes| bytes.checked_add(2 * MARK_BYTES));
        if expected != Some(suffixes.bytes()) {
            let at = suffixes.bytes();
            return Err(suffixes.damaged(at, "it does not have as many records as its .kmc_pre file says"));
        }
        if record == 0 && header.records > header.entries {
            return Err(prefixes.damaged(start, "there are more k-mers than prefixes, and nothing but these"));
        }
        prefixes.go_to(MARK_BYTES, HEADER)?;
        suffixes.go_to(MARK_BYTES, HEADER)?;
        Ok(header)
    }
}

/// Whether a file begins with KMC's mark.
pub(super) fn is_kmc(start: &[u8]) -> bool {
    start.starts_with(PREFIX_MARK) || start.starts_with(SUFFIX_MARK)
}

fn check_marks(source: &mut Source, mark: &[u8; 4]) -> Result<(), ImportError> {
    let mut found = [0; MARK_BYTES as usize];
    source.go_to(0, HEADER)?;
    source.fill(&mut found, "its first mark")?;
    if found != *mark {
        return Err(source.fail(0, ImportErrorKind::Unknown));
    }
    let last = source.bytes() - MARK_BYTES;
    source.go_to(last, HEADER)?;
    source.fill(&mut found, "its last mark")?;
    // One mark may not stand for both.
    if found != *mark || last < MARK_BYTES {
        return Err(source.damaged(last, "the mark at the end is missing: it was cut short"));
    }
    Ok(())
}

fn fields(source: &mut Source, start: u64, has_bins: bool) -> Result<KmcHeader, ImportError> {
    source.go_to(start, HEADER)?;
    let k = source.u32(HEADER)?;
    let mode = source.u32(HEADER)?;
    let counter_bytes = source.u32(HEADER)?;
    let prefix_bases = source.u32(HEADER)?;
    let signature_bases = if has_bins { Some(source.u32(HEADER)?) } else { None };
    let least = source.u32(HEADER)?;
    let mut most = u64::from(source.u32(HEADER)?);
    let records = source.u64(HEADER)?;
    let mut strands = [0];
    source.fill(&mut strands, HEADER)?;
    if !has_bins {
        most |= u64::from(source.u32(HEADER)?) << 32;
    }
    if mode != 0 {
        return Err(source.fail(start + 4, ImportErrorKind::Qualities { mode }));
    }
    if strands[0] != 0 {
        return Err(source.fail(start + FIELD_BYTES - 1, ImportErrorKind::StrandsApart));
    }
    let narrow = super::file::supported_k(u64::from(k)).map_err(|kind| source.fail(start, kind))?;
    // The tables of prefixes have 8 bytes an entry and 4^bases entries.
    let rest = k.checked_sub(prefix_bases).filter(|rest| rest % 4 == 0 && prefix_bases <= 15);
    let (Some(rest), true) = (rest, counter_bytes <= 8) else {
        return Err(source.damaged(start + 8, "the lengths of prefixes and counters make no sense"));
    };
    let table = 1_u64 << (2 * prefix_bases);
    let area = start - MARK_BYTES;
    let entries = match signature_bases {
        None => (area / 8 >= table).then_some(table),
        // Behind the tables, one for each bin: the number of records, and for each signature and one more its bin.
        Some(bases @ 0..=15) => {
            let behind = 8 + 4 * ((1_u64 << (2 * bases)) + 1);
            let tables = area.checked_sub(behind).filter(|tables| *tables > 0 && tables % (8 * table) == 0);
            tables.map(|tables| tables / 8)
        }
        Some(_) => None,
    };
    let entries =
        entries.ok_or_else(|| source.damaged(start, "the tables of prefixes do not fit the file"))?;
    Ok(KmcHeader {
        k: narrow,
        prefix_bases,
        suffix_bytes: rest as usize / 4,
        counter_bytes: counter_bytes as usize,
        least: least.into(),
        most,
        records,
        entries,
    })
}
