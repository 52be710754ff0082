//! Tells a compression by its magic bytes and opens the decoder for it.

use std::fmt;
use std::io::{self, BufRead, Read};

/// How a sequence file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, one member or many (bgzip too).
    Gzip,
    /// bzip2, one stream or many.
    Bzip2,
    /// xz, one stream or many.
    Xz,
    /// Zstandard, one frame or many.
    Zstandard,
}

/// The most bytes of content needed to tell the compression.
pub(super) const MAGIC_BYTES: usize = 6;

/// Most memory an xz decoder may take, in KiB: the dictionary of `xz -9` needs 64 MiB, hostile files ask for 4 GiB.
const XZ_MEMORY_KIB: u32 = 1 << 20;

impl Compression {
    /// Tells the compression from the first bytes (up to six) of the content.
    pub fn detect(start: &[u8]) -> Compression {
        match start {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstandard,
            // A skippable frame, which parallel compressors put in front.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstandard,
            _ => Compression::Plain,
        }
    }

    /// What the ending of a file name promises, and the name without that ending.
    pub(super) fn promised(name: &str) -> (Compression, &str) {
        const ENDINGS: [(&str, Compression); 7] = [
            (".gz", Compression::Gzip),
            (".bgz", Compression::Gzip),
            (".bz2", Compression::Bzip2),
            (".xz", Compression::Xz),
            (".zst", Compression::Zstandard),
            (".zstd", Compression::Zstandard),
            (".gzip", Compression::Gzip),
        ];
        for (ending, compression) in ENDINGS {
            if let Some(stem) = strip_ending(name, ending) {
                return (compression, stem);
            }
        }
        (Compression::Plain, name)
    }

    /// Wraps the source into the decoder; every decoder goes on over concatenated members.
    pub(super) fn decode(self, source: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Compression::Plain => Box::new(source),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(source)),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(source, true, XZ_MEMORY_KIB)),
            Compression::Zstandard => Box::new(zstd::stream::read::Decoder::with_buffer(source)?),
        })
    }
}

/// The name without the ending, compared without regard to case.
pub(super) fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    let (stem, tail) = name.split_at_checked(at)?;
    tail.eq_ignore_ascii_case(ending).then_some(stem)
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Compression::Plain => "uncompressed",
            Compression::Gzip => "gzip",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Zstandard => "zstd",
        })
    }
}
