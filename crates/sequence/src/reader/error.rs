//! What can be wrong with a sequence file: where it is (file, line, record), what it is and what to do.

use std::fmt;

use super::{Compression, Format};

/// An error in a sequence file or stream, with its place.
#[derive(Debug)]
pub struct ReadError {
    /// Path of the file, or the name given for the stream.
    pub file: String,
    /// Line of the decompressed text, from 1; 0 where no line had been read yet.
    pub line: u64,
    /// Ordinal of the record, from 1, and its name, where the error lies within a record.
    pub record: Option<(u64, String)>,
    /// What is wrong.
    pub kind: ReadErrorKind,
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file)?;
        if self.line > 0 {
            write!(out, ", line {}", self.line)?;
        }
        if let Some((ordinal, name)) = &self.record {
            write!(out, ", record {ordinal} ({name:?})")?;
        }
        write!(out, ": {}", self.kind)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// What is wrong with a sequence file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file could not be opened.
    #[error("cannot open the file: {0}; check the path and the permissions")]
    Open(#[source] std::io::Error),
    /// Reading failed below the decompression.
    #[error("reading failed: {0}")]
    Io(#[source] std::io::Error),
    /// There is not a single byte in the file.
    #[error("the file is empty; expected FASTA or FASTQ records")]
    Empty,
    /// The compressed stream ends before its end mark.
    #[error("the {compression} stream is truncated; fetch or copy the file again")]
    Truncated {
        /// How the stream is compressed.
        compression: Compression,
    },
    /// The compressed stream holds bytes that cannot be decoded or a checksum that does not match.
    #[error("the {compression} stream is corrupt ({cause}); fetch or copy the file again")]
    Corrupt {
        /// How the stream is compressed.
        compression: Compression,
        /// The decoder's own words.
        cause: std::io::Error,
    },
    /// The name promises one compression, the content has another or none.
    #[error(
        "the name promises {promised} data, but the content is {found}; rename the file or fetch it again"
    )]
    NotAsNamed {
        /// What the file name's ending stands for.
        promised: String,
        /// What the content turned out to be.
        found: String,
    },
    /// The content is of the other format than what was said.
    #[error(
        "it was said to be {said}, but the content is {found}; say {found}, or nothing, or choose another file"
    )]
    NotAsSaid {
        /// The format that was said.
        said: Format,
        /// The format of the content.
        found: Format,
    },
    /// The first character is neither `>` nor `@`.
    #[error(
        "neither FASTA nor FASTQ: the first byte is {first:#04x} ({shown:?}) where '>' or '@' is expected; \
         convert the file to FASTA or FASTQ"
    )]
    UnknownFormat {
        /// The first byte of the (decompressed) content that is no line break.
        first: u8,
        /// The same byte as a character.
        shown: char,
    },
    /// A FASTA header that no sequence follows.
    #[error("the FASTA record has no sequence; remove its header or complete the file")]
    NoSequence,
    /// A sequence holds a character that is no nucleotide code.
    #[error(
        "character {shown:?} (byte {byte:#04x}) in column {column} is no nucleotide code \
         (A, C, G, T, U, N or another IUPAC code); protein, aligned or damaged sequences cannot be indexed"
    )]
    NotNucleotide {
        /// The byte that was found.
        byte: u8,
        /// The same byte as a character.
        shown: char,
        /// Column of the line, from 1.
        column: u64,
    },
    /// A FASTQ record does not begin with `@`.
    #[error(
        "expected '@' at the start of a FASTQ record, found byte {found:#04x}; records must have four lines"
    )]
    MissingAt {
        /// The byte found instead.
        found: u8,
    },
    /// A FASTQ record's third line does not begin with `+`.
    #[error(
        "expected '+' on the third line of the FASTQ record; sequences over several lines are not supported \
         in FASTQ, rewrite the file with four lines a record"
    )]
    MissingPlus,
    /// A FASTQ record's qualities are not as long as its sequence.
    #[error("{qualities} quality values for {bases} bases; the record is damaged, fetch the file again")]
    QualityLength {
        /// Bases in the record.
        bases: usize,
        /// Quality values in the record.
        qualities: usize,
    },
    /// The file ends within a FASTQ record.
    #[error("the file ends within a FASTQ record (no {missing} line); fetch or copy the file again")]
    IncompleteRecord {
        /// The line that is missing: sequence, separator or quality.
        missing: &'static str,
    },
    /// A FASTQ header within a FASTA file.
    #[error("a line beginning with '@' within a {format} file; do not concatenate FASTA with FASTQ")]
    MixedFormats {
        /// The format that the file began with.
        format: Format,
    },
    /// A line is longer than the limit.
    #[error("the line is longer than {limit} bytes, which no sequence file needs; is this a sequence file?")]
    TooLong {
        /// Most bytes a line or a record's sequence may have.
        limit: usize,
    },
}
