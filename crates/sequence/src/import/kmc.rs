//! The k-mers of a database of KMC: two files, one with tables of prefixes, one with suffixes and counters.

use std::path::Path;

use super::ImportError;
use super::kmc_header::KmcHeader;
use super::source::Source;

/// An open database.
#[derive(Debug)]
pub(super) struct KmcDatabase {
    pub(super) header: KmcHeader,
    prefixes: Source,
    suffixes: Source,
}

impl KmcDatabase {
    /// Opens the files `<stem>.kmc_pre` and `<stem>.kmc_suf`.
    pub(super) fn open(stem: &str) -> Result<KmcDatabase, ImportError> {
        let file = |ending| Source::open(Path::new(&format!("{stem}.{ending}")));
        Self::from_sources(file("kmc_pre")?, file("kmc_suf")?)
    }

    pub(super) fn from_sources(mut prefixes: Source, mut suffixes: Source) -> Result<Self, ImportError> {
        let header = KmcHeader::read(&mut prefixes, &mut suffixes)?;
        Ok(KmcDatabase { header, prefixes, suffixes })
    }

    /// The file with the header, for errors.
    pub(super) fn source(&self) -> &Source {
        &self.prefixes
    }

    /// Calls `take` with each k-mer, two bits a base (A 0, C 1, G 2, T 3, the first highest), and its count.
    pub(super) fn for_each<E: From<ImportError>>(
        mut self,
        mut take: impl FnMut(u128, u64) -> Result<(), E>,
    ) -> Result<Source, E> {
        const TABLE: &str = "the table of prefixes";
        let mut next = self.prefixes.u64(TABLE)?;
        if next != 0 {
            return Err(self
                .prefixes
                .damaged(4, "the first prefix does not begin with the first k-mer")
                .into());
        }
        let prefix_mask = (1_u64 << (2 * self.header.prefix_bases)) - 1;
        for entry in 0..self.header.entries {
            let start = next;
            let at = self.prefixes.at();
            // Where the last prefix ends is told by the number of all.
            let is_last = entry + 1 == self.header.entries;
            next = if is_last { self.header.records } else { self.prefixes.u64(TABLE)? };
            if next < start || next > self.header.records {
                return Err(self.prefixes.damaged(at, "the places of prefixes do not ascend").into());
            }
            for _ in start..next {
                let (suffix, count) = self.record()?;
                if count < self.header.least || count > self.header.most {
                    continue;
                }
                let kmer = u128::from(entry & prefix_mask) << (8 * self.header.suffix_bytes) | suffix;
                take(kmer, count)?;
            }
        }
        Ok(self.suffixes)
    }

    /// The suffix of the next k-mer, and its count.
    #[inline]
    fn record(&mut self) -> Result<(u128, u64), ImportError> {
        let (mut suffix, mut counter) = ([0; 16], [0; 8]);
        let (suffix_bytes, counter_bytes) = (self.header.suffix_bytes, self.header.counter_bytes);
        self.suffixes.fill(&mut suffix[16 - suffix_bytes..], "a k-mer")?;
        if counter_bytes == 0 {
            return Ok((u128::from_be_bytes(suffix), self.header.least.max(1)));
        }
        self.suffixes.fill(&mut counter[..counter_bytes], "a counter")?;
        Ok((u128::from_be_bytes(suffix), u64::from_le_bytes(counter)))
    }
}
