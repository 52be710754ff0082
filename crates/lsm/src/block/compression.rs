//! How payloads are made smaller: none, LZ4 or Zstandard, the last two behind features of the crate.

use std::fmt;

use super::Dictionary;
#[cfg(feature = "zstd")]
use super::zstandard::{self, Encoder};
use crate::Error;

/// How the blocks of new tables are compressed. Tables say for each block how it is stored, so any mixture can
/// be read, by a build with the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Stored as is: a mapped block is read in place, without copying.
    #[default]
    None,
    /// LZ4: about half the size for text-like values, and quick.
    #[cfg(feature = "lz4")]
    Lz4,
    /// Zstandard at the given level (1..=22; 3 is customary): smaller and slower than LZ4.
    #[cfg(feature = "zstd")]
    Zstd {
        /// 1 is quickest, 22 smallest.
        level: i32,
    },
    /// Zstandard with a dictionary of at most 16 KiB, which each table trains on its own first blocks and keeps if that
    /// makes it smaller. For small entries that are alike, such as documents.
    #[cfg(feature = "zstd")]
    ZstdTrained {
        /// 1 is quickest, 22 smallest.
        level: i32,
    },
}

impl Compression {
    /// That of values in value files where nothing is said: LZ4, if the build has it.
    pub(crate) fn for_values() -> Compression {
        #[cfg(feature = "lz4")]
        return Compression::Lz4;
        #[cfg(not(feature = "lz4"))]
        Compression::None
    }

    /// What stands for it in formats: the method, and from the second byte on its level.
    pub(crate) fn code(self) -> u64 {
        match self {
            Compression::None => 0,
            #[cfg(feature = "lz4")]
            Compression::Lz4 => 1,
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } => 2 | u64::from(level.unsigned_abs()) << 8,
            #[cfg(feature = "zstd")]
            Compression::ZstdTrained { level } => 3 | u64::from(level.unsigned_abs()) << 8,
        }
    }

    /// What a code stands for, if this build has it.
    pub(crate) fn from_code(code: u64) -> Option<Compression> {
        let level = i32::try_from(code >> 8).ok()?;
        match (code & 0xff, level) {
            (0, 0) => Some(Compression::None),
            #[cfg(feature = "lz4")]
            (1, 0) => Some(Compression::Lz4),
            #[cfg(feature = "zstd")]
            (2, level) => Some(Compression::Zstd { level }),
            #[cfg(feature = "zstd")]
            (3, level) => Some(Compression::ZstdTrained { level }),
            _ => None,
        }
    }

    /// Whether it wants a dictionary for each table.
    pub(crate) fn is_trained(self) -> bool {
        match self {
            #[cfg(feature = "zstd")]
            Compression::ZstdTrained { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::None => formatter.write_str("none"),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => formatter.write_str("LZ4"),
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } => write!(formatter, "Zstandard {level}"),
            #[cfg(feature = "zstd")]
            Compression::ZstdTrained { level } => write!(formatter, "Zstandard {level} with a dictionary"),
        }
    }
}

/// What tables of certain levels have in place of [`Options::compression`](crate::Options::compression): quick or no
/// compression above, where tables are soon merged again, and a strong one at the bottom, where most of the data is.
/// A table that changes its level without being rewritten stays as it is.
///
/// ```
/// use stroma_lsm::{Compression, LevelCompression, Options};
///
/// let options = Options {
///     compression: Compression::Lz4,
///     level_compression: LevelCompression {
///         upper: vec![Compression::None], // Level 0: what was just flushed.
///         bottom: None,                   // `Some(Compression::Zstd { level: 3 })` with the feature `zstd`.
///     },
///     ..Options::default()
/// };
/// assert_eq!(options.compression_at(0, false), Compression::None);
/// assert_eq!(options.compression_at(1, false), Compression::Lz4);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LevelCompression {
    /// That of level 0, of level 1 and so on, as far as it goes.
    pub upper: Vec<Compression>,
    /// That of tables below which there is nothing of the same keys, at whichever level; it comes before `upper`.
    pub bottom: Option<Compression>,
}

impl LevelCompression {
    /// That of tables of `level`, where it is not `otherwise`.
    pub(crate) fn at(&self, level: u32, is_bottom: bool, otherwise: Compression) -> Compression {
        let bottom = self.bottom.filter(|_| is_bottom);
        bottom.or_else(|| self.upper.get(level as usize).copied()).unwrap_or(otherwise)
    }
}

/// How one block is stored: the byte behind its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(super) u8);

impl Tag {
    /// As is.
    pub(crate) const NONE: Tag = Tag(0);
    /// LZ4 (block format).
    pub(crate) const LZ4: Tag = Tag(1);
    /// Zstandard (one frame).
    pub(crate) const ZSTD: Tag = Tag(2);
    /// Zstandard (one frame) with the table's dictionary.
    pub(crate) const ZSTD_DICTIONARY: Tag = Tag(3);

    /// The number that stands for it.
    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

/// LZ4 makes nothing smaller than to its 255th part.
#[cfg(feature = "lz4")]
const LZ4_MAX_RATIO: u64 = 255;

/// Why compressed bytes cannot be had back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// They are not what a compressor wrote.
    Damaged,
    /// This build lacks the feature.
    Unsupported(&'static str),
}

impl Failure {
    /// The error to tell of bytes at `offset` of `place`, which says so if they are damaged.
    pub(crate) fn into_error(self, place: &str, offset: u64, damaged: &'static str) -> Error {
        match self {
            Failure::Damaged => Error::corrupt(place, offset, damaged),
            Failure::Unsupported(what) => {
                Error::Unsupported { file: place.to_owned(), what: what.to_owned() }
            }
        }
    }
}

/// Makes the payloads of one table smaller.
pub(crate) struct Compressor {
    method: Method,
}

enum Method {
    None,
    #[cfg(feature = "lz4")]
    Lz4(Vec<u8>),
    #[cfg(feature = "zstd")]
    Zstd(Encoder),
}

impl Compressor {
    /// As `compression` says, without a dictionary.
    pub(crate) fn new(compression: Compression) -> Compressor {
        let method = match compression {
            Compression::None => Method::None,
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Method::Lz4(Vec::new()),
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } | Compression::ZstdTrained { level } => {
                Encoder::new(level, None).map_or(Method::None, Method::Zstd)
            }
        };
        Compressor { method }
    }

    /// Zstandard with a dictionary; `None` if that cannot be used.
    #[cfg(feature = "zstd")]
    pub(crate) fn with_dictionary(level: i32, dictionary: &[u8]) -> Option<Compressor> {
        Encoder::new(level, Some(dictionary)).map(|encoder| Compressor { method: Method::Zstd(encoder) })
    }

    /// The tag and the compressed bytes, or `None` when the payload is to be stored as is.
    #[cfg_attr(not(any(feature = "lz4", feature = "zstd")), allow(unused_variables))]
    pub(crate) fn compress(&mut self, payload: &[u8]) -> Option<(Tag, &[u8])> {
        match &mut self.method {
            Method::None => None,
            #[cfg(feature = "lz4")]
            Method::Lz4(compressed) => {
                compressed.resize(lz4_flex::block::get_maximum_output_size(payload.len()), 0);
                let length = lz4_flex::block::compress_into(payload, compressed).ok()?;
                Some((Tag::LZ4, &compressed[..length]))
            }
            #[cfg(feature = "zstd")]
            Method::Zstd(encoder) => {
                let tag = if encoder.has_dictionary() { Tag::ZSTD_DICTIONARY } else { Tag::ZSTD };
                Some((tag, encoder.compress(payload)?))
            }
        }
    }
}

/// Fills `into` with what `compressed` stands for, which must be exactly so long.
#[cfg_attr(not(any(feature = "lz4", feature = "zstd")), allow(unused_variables))]
pub(crate) fn decompress_into(tag: Tag, compressed: &[u8], into: &mut [u8]) -> Result<(), Failure> {
    let length: Result<usize, Failure> = match tag {
        #[cfg(feature = "lz4")]
        Tag::LZ4 => lz4_flex::block::decompress_into(compressed, into).map_err(|_| Failure::Damaged),
        #[cfg(feature = "zstd")]
        Tag::ZSTD => zstandard::decompress_into(compressed, into),
        #[cfg(not(feature = "lz4"))]
        Tag::LZ4 => Err(Failure::Unsupported("LZ4 compression (feature `lz4`)")),
        #[cfg(not(feature = "zstd"))]
        Tag::ZSTD => Err(Failure::Unsupported("Zstandard compression (feature `zstd`)")),
        _ => Err(Failure::Unsupported("the compression of a value")),
    };
    if length? == into.len() { Ok(()) } else { Err(Failure::Damaged) }
}

/// The `length` bytes that `compressed` stands for.
#[cfg_attr(not(feature = "zstd"), allow(unused_variables))]
pub(super) fn decompress(
    tag: Tag,
    compressed: &[u8],
    length: usize,
    dictionary: Option<&Dictionary>,
) -> Result<Vec<u8>, Failure> {
    match tag {
        #[cfg(feature = "lz4")]
        Tag::LZ4 => {
            // Nothing is allocated for a length that no such block can have.
            if length as u64 > compressed.len() as u64 * LZ4_MAX_RATIO {
                return Err(Failure::Damaged);
            }
            let payload = lz4_flex::block::decompress(compressed, length).map_err(|_| Failure::Damaged)?;
            if payload.len() == length { Ok(payload) } else { Err(Failure::Damaged) }
        }
        #[cfg(feature = "zstd")]
        Tag::ZSTD => zstandard::decompress(compressed, length, None),
        #[cfg(feature = "zstd")]
        Tag::ZSTD_DICTIONARY => zstandard::decompress(compressed, length, dictionary),
        #[cfg(not(feature = "lz4"))]
        Tag::LZ4 => Err(Failure::Unsupported("LZ4 compression (feature `lz4`)")),
        #[cfg(not(feature = "zstd"))]
        Tag::ZSTD | Tag::ZSTD_DICTIONARY => {
            Err(Failure::Unsupported("Zstandard compression (feature `zstd`)"))
        }
        _ => Err(Failure::Unsupported("the compression of a block")),
    }
}
