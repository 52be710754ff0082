//! Opens a file or a stream as records: detects compression and format, holds the name against the content.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use super::compression::{MAGIC_BYTES, strip_ending};
use super::lines::Lines;
use super::{Compression, Format, ReadError, ReadErrorKind, RecordReader};

/// Opens a sequence file. Compression and format are told by the content; a name that promises other content
/// (`.gz` that is no gzip, `.fa` that holds FASTQ) is an error.
///
/// # Errors
/// [`ReadError`] when the file cannot be opened, is empty, or is not what its name says.
pub fn open_path(path: impl AsRef<Path>) -> Result<RecordReader, ReadError> {
    let path = path.as_ref();
    let shown = path.display().to_string();
    match open_file(path) {
        Ok(file) => open(Box::new(file), &shown, Some(&file_name(path))),
        Err(cause) => Err(at_start(&shown, ReadErrorKind::Open(cause))),
    }
}

/// Opens any stream of bytes, such as standard input; `name` stands for it in error messages and promises nothing.
///
/// # Errors
/// [`ReadError`] when the stream is empty or holds neither FASTA nor FASTQ.
pub fn open_reader(source: impl Read + Send + 'static, name: &str) -> Result<RecordReader, ReadError> {
    open(Box::new(source), name, None)
}

/// The one place where this crate opens a file by itself: a user's input, not the database's storage.
#[allow(clippy::disallowed_methods, reason = "inputs are the user's files, not blobs of the storage seam")]
pub(crate) fn open_file(path: &Path) -> std::io::Result<std::fs::File> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
    }
    Ok(file)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn at_start(file: &str, kind: ReadErrorKind) -> ReadError {
    ReadError { file: file.to_owned(), line: 0, record: None, kind }
}

fn open(
    mut source: Box<dyn Read + Send>,
    shown: &str,
    file_name: Option<&str>,
) -> Result<RecordReader, ReadError> {
    let fail = |kind| at_start(shown, kind);
    let mut start = Vec::with_capacity(MAGIC_BYTES);
    (&mut source).take(MAGIC_BYTES as u64).read_to_end(&mut start).map_err(|e| fail(ReadErrorKind::Io(e)))?;
    if start.is_empty() {
        return Err(fail(ReadErrorKind::Empty));
    }
    let compression = Compression::detect(&start);
    let stem = match file_name {
        Some(name) => check_compression(name, compression).map_err(fail)?,
        None => "",
    };
    let whole = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(source));
    let decoded = compression.decode(whole).map_err(|e| fail(ReadErrorKind::Io(e)))?;
    let mut lines = Lines::new(decoded, compression);
    let format = detect_format(&mut lines).map_err(fail)?;
    if let Some(promised) = promised_format(stem).filter(|promised| *promised != format) {
        let (promised, found) = (promised.to_string(), format.to_string());
        return Err(fail(ReadErrorKind::NotAsNamed { promised, found }));
    }
    Ok(RecordReader::new(lines, format, shown.to_owned()))
}

/// Holds the compression that the name promises against the one found; returns the name without its ending.
fn check_compression(name: &str, found: Compression) -> Result<&str, ReadErrorKind> {
    let (promised, stem) = Compression::promised(name);
    if promised == Compression::Plain || promised == found {
        return Ok(stem);
    }
    Err(ReadErrorKind::NotAsNamed { promised: promised.to_string(), found: found.to_string() })
}

/// Endings of file names, and the format that each promises.
const ENDINGS: [(&str, Format); 7] = [
    (".fa", Format::Fasta),
    (".fasta", Format::Fasta),
    (".fna", Format::Fasta),
    (".ffn", Format::Fasta),
    (".fas", Format::Fasta),
    (".fq", Format::Fastq),
    (".fastq", Format::Fastq),
];

fn promised_format(stem: &str) -> Option<Format> {
    let (_, format) = ENDINGS.iter().find(|(ending, _)| strip_ending(stem, ending).is_some())?;
    Some(*format)
}

/// What a sample is called that is a file: the file's name without its folder and without the endings that tell
/// format and compression. Other dots stay.
pub fn sample_name(path: impl AsRef<Path>) -> String {
    let name = file_name(path.as_ref());
    let (_, stem) = Compression::promised(&name);
    let bare = ENDINGS.iter().find_map(|(ending, _)| strip_ending(stem, ending));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(stem).to_owned()
}

/// Skips blank lines, then tells the format by the first character.
fn detect_format(lines: &mut Lines) -> Result<Format, ReadErrorKind> {
    let mut blank = Vec::new();
    loop {
        match lines.peek()? {
            None => return Err(ReadErrorKind::Empty),
            Some(b'>') => return Ok(Format::Fasta),
            Some(b'@') => return Ok(Format::Fastq),
            Some(b'\n' | b'\r') => {
                lines.next_into(&mut blank, super::lines::HEADER_LIMIT)?;
                if let Some(&first) = blank.first() {
                    return Err(ReadErrorKind::UnknownFormat { first, shown: first as char });
                }
            }
            Some(first) => return Err(ReadErrorKind::UnknownFormat { first, shown: first as char }),
        }
    }
}
