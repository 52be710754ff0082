//! How payloads are made smaller: none, LZ4 or Zstandard, the last two behind features of the crate.

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
}

/// The tag of a block stored as is.
pub(super) const TAG_NONE: u8 = 0;
/// The tag of a block compressed with LZ4 (block format).
pub(super) const TAG_LZ4: u8 = 1;
/// The tag of a block compressed with Zstandard (one frame).
pub(super) const TAG_ZSTD: u8 = 2;

/// LZ4 makes nothing smaller than to its 255th part.
#[cfg(feature = "lz4")]
const LZ4_MAX_RATIO: u64 = 255;

/// Why compressed bytes cannot be had back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// They are not what a compressor wrote.
    Damaged,
    /// This build lacks the feature.
    Unsupported(&'static str),
}

impl Compression {
    /// The tag and the compressed bytes, or `None` when the payload is to be stored as is.
    #[cfg_attr(not(any(feature = "lz4", feature = "zstd")), allow(unused_variables))]
    pub(super) fn compress(self, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        match self {
            Self::None => None,
            #[cfg(feature = "lz4")]
            Self::Lz4 => Some((TAG_LZ4, lz4_flex::block::compress(payload))),
            #[cfg(feature = "zstd")]
            Self::Zstd { level } => zstd::bulk::compress(payload, level).ok().map(|bytes| (TAG_ZSTD, bytes)),
        }
    }
}

/// The `length` bytes that `compressed` stands for.
#[cfg_attr(not(any(feature = "lz4", feature = "zstd")), allow(unused_variables))]
pub(super) fn decompress(tag: u8, compressed: &[u8], length: usize) -> Result<Vec<u8>, Failure> {
    match tag {
        #[cfg(feature = "lz4")]
        TAG_LZ4 => {
            // Nothing is allocated for a length that no such block can have.
            if length as u64 > compressed.len() as u64 * LZ4_MAX_RATIO {
                return Err(Failure::Damaged);
            }
            let payload = lz4_flex::block::decompress(compressed, length).map_err(|_| Failure::Damaged)?;
            if payload.len() == length { Ok(payload) } else { Err(Failure::Damaged) }
        }
        #[cfg(feature = "zstd")]
        TAG_ZSTD => decompress_zstd(compressed, length),
        #[cfg(not(feature = "lz4"))]
        TAG_LZ4 => Err(Failure::Unsupported("LZ4 compression (feature `lz4`)")),
        #[cfg(not(feature = "zstd"))]
        TAG_ZSTD => Err(Failure::Unsupported("Zstandard compression (feature `zstd`)")),
        _ => Err(Failure::Unsupported("the compression of a block")),
    }
}

/// As a stream, so that memory grows with what really comes out.
#[cfg(feature = "zstd")]
fn decompress_zstd(compressed: &[u8], length: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read;

    let decoder = zstd::stream::read::Decoder::with_buffer(compressed).map_err(|_| Failure::Damaged)?;
    let mut payload = Vec::with_capacity(length.min(compressed.len().saturating_mul(16)));
    let read = decoder.take(length as u64 + 1).read_to_end(&mut payload).map_err(|_| Failure::Damaged)?;
    if read == length { Ok(payload) } else { Err(Failure::Damaged) }
}
