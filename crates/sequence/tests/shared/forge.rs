//! How to make the checksums of a layer in partitions right again after it was changed: for a test and for a
//! fuzzer.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

pub(crate) const HEADER: usize = 32;
const FOOTER: usize = 232;
const ENTRY: usize = 88;
/// Where a filter has its checksums: behind so many bytes of its header, and before its end.
const FILTER_HEADER: usize = 48;
const FILTER_FOOTER: usize = 40;

/// The bytes that a section pointer tells of.
fn section(bytes: &[u8], pointer: usize) -> Option<Range<usize>> {
    let number = |at: usize| {
        let word = bytes.get(at..at + 8)?.first_chunk()?;
        usize::try_from(u64::from_le_bytes(*word)).ok()
    };
    let (start, length) = (number(pointer)?, number(pointer + 8)?);
    let end = start.checked_add(length).filter(|&end| end <= bytes.len())?;
    Some(start..end)
}

fn set_sum(bytes: &mut [u8], of: Range<usize>, at: usize) {
    let sum = xxh3_64(&bytes[of]);
    bytes[at..at + 8].copy_from_slice(&sum.to_le_bytes());
}

/// The sections of k-mers of all partitions.
pub(crate) fn kmer_sections(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let directory = section(bytes, bytes.len().checked_sub(FOOTER)? + 24)?;
    directory.step_by(ENTRY).map(|entry| section(bytes, entry)).collect()
}

/// Whether a section of k-mers is a filter.
pub(crate) fn is_filter(section: &[u8]) -> bool {
    section.starts_with(b"STRMCQFL")
}

/// Makes checksums right again: of partitions, of the filters in them, of the directory and of the footer. None
/// where sections are not even in the file.
pub(crate) fn reseal(bytes: &mut [u8]) -> Option<()> {
    let footer = bytes.len().checked_sub(FOOTER)?;
    let directory = section(bytes, footer + 24)?;
    for entry in directory.clone().step_by(ENTRY) {
        let kmers = section(bytes, entry)?;
        if kmers.len() > FILTER_HEADER + FILTER_FOOTER && is_filter(&bytes[kmers.clone()]) {
            let end = kmers.end - FILTER_FOOTER;
            set_sum(bytes, kmers.start..kmers.start + 40, kmers.start + 40);
            set_sum(bytes, kmers.start + FILTER_HEADER..end, end + 24);
            set_sum(bytes, end..end + 32, end + 32);
        }
        for pointer in (entry..).step_by(24).take(3) {
            let part = section(bytes, pointer)?;
            set_sum(bytes, part, pointer + 16);
        }
    }
    set_sum(bytes, directory, footer + 24 + 16);
    let end = bytes.len();
    set_sum(bytes, footer..end - 16, end - 16);
    Some(())
}
