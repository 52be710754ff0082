//! A file of counted k-mers of either program: told by its first bytes, opened, handed out k-mer by k-mer.

use std::fmt;
use std::io::{Read, Seek};
use std::path::Path;

use super::kmc::KmcDatabase;
use super::kmc_header::is_kmc;
use super::source::Source;
use super::squeakr::SqueakrFile;
use super::squeakr_header::is_squeakr;
use super::{ImportError, ImportErrorKind};
use crate::kmer::{MAX_K, MIN_K};

/// Endings of the files' names.
const ENDINGS: [&str; 3] = [".kmc_pre", ".kmc_suf", ".squeakr"];

/// The program that counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// KMC, versions 1 to 3.
    Kmc,
    /// Squeakr, exact.
    Squeakr,
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Program::Kmc => "KMC",
            Program::Squeakr => "Squeakr",
        })
    }
}

/// k-mers that another program has counted, in a file that was opened and whose header was read.
#[derive(Debug)]
pub struct CountedKmers {
    opened: Opened,
}

#[derive(Debug)]
enum Opened {
    Kmc(KmcDatabase),
    Squeakr(SqueakrFile),
}

impl CountedKmers {
    /// Opens a database of KMC (either of its two files, or their name without the ending) or a file of Squeakr;
    /// which it is, is told by the first bytes.
    ///
    /// # Errors [`ImportError`] where the file cannot be opened, is none of these, is damaged, or has k-mers that
    /// cannot be indexed.
    pub fn open(path: impl AsRef<Path>) -> Result<CountedKmers, ImportError> {
        let path = path.as_ref();
        let shown = path.to_string_lossy();
        if let Some(stem) = ENDINGS[..2].iter().find_map(|ending| shown.strip_suffix(ending)) {
            return Ok(CountedKmers { opened: Opened::Kmc(KmcDatabase::open(stem)?) });
        }
        let mut source = match Source::open(path) {
            Ok(source) => source,
            // Both programs of KMC are told the name without the ending.
            Err(error) => {
                let opened = KmcDatabase::open(&shown).map_err(|own| match own.kind {
                    ImportErrorKind::Open(_) => error,
                    _ => own,
                })?;
                return Ok(CountedKmers { opened: Opened::Kmc(opened) });
            }
        };
        let mut start = [0; 8];
        if source.bytes() < 8 {
            return Err(source.fail(0, ImportErrorKind::Unknown));
        }
        source.fill(&mut start, "its first bytes")?;
        if is_kmc(&start) {
            let what =
                "it is of KMC, but not called .kmc_pre or .kmc_suf, so that the other file cannot be found";
            return Err(source.damaged(0, what));
        }
        if !is_squeakr(&start) {
            return Err(source.fail(0, ImportErrorKind::Unknown));
        }
        Ok(CountedKmers { opened: Opened::Squeakr(SqueakrFile::from_source(source)?) })
    }

    /// A database of KMC from any two sources: what is in its `.kmc_pre` and `.kmc_suf` files, which are called
    /// `name` with these endings in error messages.
    ///
    /// # Errors As [`open`](Self::open).
    pub fn from_kmc(
        prefixes: impl Read + Seek + Send + 'static,
        suffixes: impl Read + Seek + Send + 'static,
        name: &str,
    ) -> Result<CountedKmers, ImportError> {
        let prefixes = Source::new(prefixes, format!("{name}.kmc_pre"))?;
        let suffixes = Source::new(suffixes, format!("{name}.kmc_suf"))?;
        Ok(CountedKmers { opened: Opened::Kmc(KmcDatabase::from_sources(prefixes, suffixes)?) })
    }

    /// A file of Squeakr from any source, called `name` in error messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_squeakr(
        file: impl Read + Seek + Send + 'static,
        name: &str,
    ) -> Result<CountedKmers, ImportError> {
        let source = Source::new(file, name.to_owned())?;
        Ok(CountedKmers { opened: Opened::Squeakr(SqueakrFile::from_source(source)?) })
    }

    /// Bases in its k-mers.
    pub fn k(&self) -> u8 {
        match &self.opened {
            Opened::Kmc(database) => database.header.k,
            Opened::Squeakr(file) => file.header.k,
        }
    }

    /// How often a k-mer had to occur to be in it.
    pub fn minimum_count(&self) -> u32 {
        let least = match &self.opened {
            Opened::Kmc(database) => database.header.least,
            Opened::Squeakr(file) => file.header.least,
        };
        u32::try_from(least).unwrap_or(u32::MAX).max(1)
    }

    /// Makes sure that the k-mers are of this length.
    pub(crate) fn require_k(&self, expected: u8) -> Result<(), ImportError> {
        let found = self.k();
        if found == expected {
            return Ok(());
        }
        let source = match &self.opened {
            Opened::Kmc(database) => database.source(),
            Opened::Squeakr(file) => file.source(),
        };
        Err(source.fail(0, ImportErrorKind::OtherK { found, expected }))
    }

    /// The program that counted.
    pub fn program(&self) -> Program {
        match self.opened {
            Opened::Kmc(_) => Program::Kmc,
            Opened::Squeakr(_) => Program::Squeakr,
        }
    }

    /// Calls `take` with each k-mer, canonical (two bits a base, A 0, C 1, G 2, T 3, the first highest), and its
    /// count, until it fails. Memory: a record of KMC's; of Squeakr's a run of its filter, and the quotients that
    /// wait for theirs.
    ///
    /// # Errors [`ImportError`] where the file is cut short or damaged; what was handed out by then should be
    /// forgotten.
    pub fn for_each<E: From<ImportError>>(
        self,
        mut take: impl FnMut(u128, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let bits = 2 * u32::from(self.k());
        let mut any = false;
        let mut foreign = false;
        let mut each = |kmer: u128, count: u64| {
            any = true;
            foreign |= kmer > reverse_complement(kmer, bits);
            take(kmer, count)
        };
        let source = match self.opened {
            Opened::Kmc(database) => database.for_each(each)?,
            Opened::Squeakr(file) => file.for_each(|kmer, count| {
                // Its order of the bases is another, and so may be the strand that it takes.
                let kmer = u128::from(kmer);
                each(kmer.min(reverse_complement(kmer, bits)), count)
            })?,
        };
        if foreign {
            return Err(source.damaged(0, "a k-mer stands for the other strand than it should").into());
        }
        if any { Ok(()) } else { Err(source.fail(0, ImportErrorKind::Empty).into()) }
    }
}

/// What a sample is called that is a file of counted k-mers: the file's name without its folder and ending.
pub fn sample_name(path: impl AsRef<Path>) -> String {
    let name = path.as_ref().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bare = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(&name).to_owned()
}

/// The k of a file, if an index can have it.
pub(super) fn supported_k(k: u64) -> Result<u8, ImportErrorKind> {
    let narrow = u8::try_from(k).ok().filter(|k| (MIN_K..=MAX_K).contains(k) && k % 2 == 1);
    narrow.ok_or(ImportErrorKind::UnsupportedK { k })
}

/// The k-mer on the other strand: bases in the other order, each complemented.
pub(super) fn reverse_complement(kmer: u128, bits: u32) -> u128 {
    const LOW_PAIRS: u128 = 0x3333_3333_3333_3333_3333_3333_3333_3333;
    const LOW_NIBBLES: u128 = 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f;
    let mut turned = (!kmer).swap_bytes();
    turned = (turned >> 4 & LOW_NIBBLES) | (turned & LOW_NIBBLES) << 4;
    turned = (turned >> 2 & LOW_PAIRS) | (turned & LOW_PAIRS) << 2;
    turned >> (128 - bits)
}
