//! Splits the lines of a FASTA or FASTQ stream into records.

use std::fmt;

use super::lines::{HEADER_LIMIT, LINE_LIMIT, Lines};
use super::nucleotides::first_foreign;
use super::{ReadError, ReadErrorKind};

/// The two formats of sequence files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header line beginning with `>`, then sequence lines.
    Fasta,
    /// Four lines a record: `@` header, sequence, `+`, qualities.
    Fastq,
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Fasta => "FASTA",
            Format::Fastq => "FASTQ",
        })
    }
}

/// One sequence with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The header up to the first white space, without its `>` or `@`.
    pub name: String,
    /// The bases as they stand in the file (case kept, `U` kept), all of them IUPAC nucleotide codes.
    pub sequence: Vec<u8>,
}

/// Iterator over the records of one file or stream; ends after the first error.
pub struct RecordReader {
    lines: Lines,
    format: Format,
    file: String,
    /// Ordinal of the record being read, from 1.
    ordinal: u64,
    line_buffer: Vec<u8>,
    ended: bool,
}

impl fmt::Debug for RecordReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RecordReader")
            .field("file", &self.file)
            .field("format", &self.format)
            .field("line", &self.lines.number)
            .finish_non_exhaustive()
    }
}

impl RecordReader {
    pub(super) fn new(lines: Lines, format: Format, file: String) -> Self {
        RecordReader { lines, format, file, ordinal: 0, line_buffer: Vec::new(), ended: false }
    }

    /// FASTA or FASTQ, as told by the content.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same reader, unless it reads the other format than what it was said to hold.
    pub(crate) fn expect_format(self, expected: Format) -> Result<Self, ReadError> {
        if self.format == expected {
            return Ok(self);
        }
        let kind = ReadErrorKind::NotAsSaid { said: expected, found: self.format };
        Err(ReadError { file: self.file, line: 0, record: None, kind })
    }

    /// Path of the file, or the name given for the stream.
    pub fn file(&self) -> &str {
        &self.file
    }

    fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let mut record = Record::default();
        let outcome = match self.format {
            Format::Fasta => self.next_fasta(&mut record),
            Format::Fastq => self.next_fastq(&mut record),
        };
        match outcome {
            Ok(true) => Ok(Some(record)),
            Ok(false) => Ok(None),
            Err(kind) => {
                let record = (self.ordinal > 0).then(|| (self.ordinal, std::mem::take(&mut record.name)));
                Err(ReadError { file: self.file.clone(), line: self.lines.number, record, kind })
            }
        }
    }

    /// Skips blank lines; `false` at the end.
    fn skip_blank(&mut self) -> Result<bool, ReadErrorKind> {
        while let Some(next) = self.lines.peek()? {
            if next != b'\n' && next != b'\r' {
                return Ok(true);
            }
            self.line_buffer.clear();
            self.lines.next_into(&mut self.line_buffer, HEADER_LIMIT)?;
        }
        Ok(false)
    }

    /// Takes the header line; its mark has been seen already.
    fn header(&mut self, record: &mut Record) -> Result<(), ReadErrorKind> {
        self.line_buffer.clear();
        self.ordinal += 1;
        self.lines.next_into(&mut self.line_buffer, HEADER_LIMIT)?;
        let header = &self.line_buffer[1..];
        let end = header.iter().position(u8::is_ascii_whitespace).unwrap_or(header.len());
        record.name = String::from_utf8_lossy(&header[..end]).into_owned();
        Ok(())
    }

    fn next_fasta(&mut self, record: &mut Record) -> Result<bool, ReadErrorKind> {
        if !self.skip_blank()? {
            return Ok(false);
        }
        self.header(record)?;
        loop {
            match self.lines.peek()? {
                None | Some(b'>') => break,
                Some(b'@') => return Err(ReadErrorKind::MixedFormats { format: self.format }),
                Some(_) => self.sequence_line(record)?,
            }
        }
        if record.sequence.is_empty() {
            return Err(ReadErrorKind::NoSequence);
        }
        Ok(true)
    }

    fn next_fastq(&mut self, record: &mut Record) -> Result<bool, ReadErrorKind> {
        if !self.skip_blank()? {
            return Ok(false);
        }
        match self.lines.peek()? {
            Some(b'@') => {}
            Some(b'>') => return Err(ReadErrorKind::MixedFormats { format: self.format }),
            Some(found) => return Err(ReadErrorKind::MissingAt { found }),
            None => return Ok(false),
        }
        self.header(record)?;
        self.needs_line("sequence")?;
        self.sequence_line(record)?;
        if self.needs_line("separator")? != b'+' {
            return Err(ReadErrorKind::MissingPlus);
        }
        self.line_buffer.clear();
        self.lines.next_into(&mut self.line_buffer, HEADER_LIMIT)?;
        self.line_buffer.clear();
        let any = self.lines.next_into(&mut self.line_buffer, LINE_LIMIT)?;
        let (bases, qualities) = (record.sequence.len(), self.line_buffer.len());
        if !any && bases > 0 {
            return Err(ReadErrorKind::IncompleteRecord { missing: "quality" });
        }
        if bases != qualities {
            return Err(ReadErrorKind::QualityLength { bases, qualities });
        }
        Ok(true)
    }

    /// The first byte of the line that must come now.
    fn needs_line(&mut self, missing: &'static str) -> Result<u8, ReadErrorKind> {
        self.lines.peek()?.ok_or(ReadErrorKind::IncompleteRecord { missing })
    }

    fn sequence_line(&mut self, record: &mut Record) -> Result<(), ReadErrorKind> {
        let start = record.sequence.len();
        self.lines.next_into(&mut record.sequence, LINE_LIMIT - start)?;
        match first_foreign(&record.sequence[start..]) {
            None => Ok(()),
            Some(at) => {
                let byte = record.sequence[start + at];
                let column = at as u64 + 1;
                Err(ReadErrorKind::NotNucleotide { byte, shown: byte as char, column })
            }
        }
    }
}

impl Iterator for RecordReader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_record().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
