//! How many blocks of a table are stored in which way.

use std::fmt;

use crate::block::Tag;

/// How many blocks of a table are compressed, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressedBlocks {
    /// Stored as they are, perhaps because compression did not make them smaller by an eighth.
    pub plain: u64,
    /// With LZ4.
    pub lz4: u64,
    /// With Zstandard.
    pub zstd: u64,
    /// With Zstandard and the table's dictionary.
    pub zstd_with_dictionary: u64,
}

impl CompressedBlocks {
    /// Counts a block; one of an unknown way is not counted.
    pub(super) fn count(&mut self, tag: Tag) {
        match tag {
            Tag::NONE => self.plain += 1,
            Tag::LZ4 => self.lz4 += 1,
            Tag::ZSTD => self.zstd += 1,
            Tag::ZSTD_DICTIONARY => self.zstd_with_dictionary += 1,
            _ => {}
        }
    }
}

impl fmt::Display for CompressedBlocks {
    /// The ways that occur, each with its count if there are several: `zstd`, `none 3, lz4 17`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [
            ("none", self.plain),
            ("lz4", self.lz4),
            ("zstd", self.zstd),
            ("zstd with dictionary", self.zstd_with_dictionary),
        ];
        let occurring: Vec<_> = ways.into_iter().filter(|(_, blocks)| *blocks > 0).collect();
        match occurring[..] {
            [] => formatter.write_str("none"),
            [(way, _)] => formatter.write_str(way),
            _ => {
                let told: Vec<String> =
                    occurring.iter().map(|(way, blocks)| format!("{way} {blocks}")).collect();
                formatter.write_str(&told.join(", "))
            }
        }
    }
}
