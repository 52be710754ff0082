//! Reads FASTA and FASTQ records from files or streams, plain or compressed, and explains what is wrong.
//!
//! The format is told by the content, never by the name: the compression by its magic bytes, FASTA and
//! FASTQ by the first character. A name that promises something else than the content holds is an error,
//! because it nearly always means that a download or a conversion went wrong.

mod compression;
mod error;
mod lines;
mod nucleotides;
mod records;
mod source;
#[cfg(test)]
mod tests;

pub use compression::Compression;
pub use error::{ReadError, ReadErrorKind};
pub use nucleotides::first_foreign;
pub use records::{Format, Record, RecordReader};
pub use source::{open_path, open_reader, sample_name};

pub(crate) use source::open_file;
