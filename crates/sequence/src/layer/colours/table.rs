//! A layer's colour-set table in borrowed bytes: chunks of leaves, pairs of nodes, and the node of each set.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::flat::{Decoder, FlatTable};
use super::set::ColourSet;
use crate::layer::format::Footer;
use crate::layer::packed::{Packed, packed_bytes, width_for};
use crate::layer::paged::Paged;

/// Most pairs between a set and its leaves.
pub(in crate::layer) const MOST_DEEP: u8 = 64;

/// A chunk as the file's list of chunks has it.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(in crate::layer) struct ChunkEntry {
    pub(super) colours: U32,
    pub(super) leaves: U32,
    /// Bytes of its leaves' entries.
    pub(super) bytes: U64,
    pub(super) offset_width: u8,
    pub(super) reserved: [u8; 7],
}

/// Consecutive colours, and the different sets that k-mers have of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::layer) struct Chunk {
    pub(super) first_colour: u32,
    pub(super) colours: u32,
    pub(super) first_leaf: u32,
    pub(super) leaves: u32,
    /// Where the entries of its leaves begin and end.
    bytes: (u64, u64),
    /// Where the packed offsets of the entries begin and end.
    offsets: (u64, u64),
    offset_width: u32,
}

impl Chunk {
    /// Chunks from the list in the file; `None` where its numbers make no sense.
    pub(in crate::layer) fn list(entries: &[u8]) -> Option<Vec<Chunk>> {
        let mut chunks: Vec<Chunk> = Vec::with_capacity(entries.len() / size_of::<ChunkEntry>());
        for entry in entries.chunks(size_of::<ChunkEntry>()) {
            let entry = ChunkEntry::read_from_bytes(entry).ok()?;
            let (colours, leaves) = (entry.colours.get(), entry.leaves.get());
            let last = chunks.last();
            let (start, offsets_start) = last.map_or((0, 0), |last| (last.bytes.1, last.offsets.1));
            let width = u32::from(entry.offset_width);
            let offsets = packed_bytes(u64::from(leaves) + 1, width).filter(|_| width <= 64)?;
            if entry.reserved != [0; 7] {
                return None;
            }
            chunks.push(Chunk {
                first_colour: last.map_or(Some(0), |last| last.first_colour.checked_add(last.colours))?,
                colours,
                first_leaf: last.map_or(Some(0), |last| last.first_leaf.checked_add(last.leaves))?,
                leaves,
                bytes: (start, start.checked_add(entry.bytes.get())?),
                offsets: (offsets_start, offsets_start.checked_add(offsets)?),
                offset_width: width,
            });
        }
        let last = chunks.last()?;
        last.first_colour.checked_add(last.colours)?;
        last.first_leaf.checked_add(last.leaves)?;
        Some(chunks)
    }

    /// Whether chunks have so many colours, and as many bytes as the footer says.
    pub(in crate::layer) fn fit(chunks: &[Chunk], colours: u32, footer: &Footer) -> bool {
        chunks.last().is_some_and(|last| {
            last.first_colour + last.colours == colours
                && last.bytes.1 == footer.sets.bytes.get()
                && last.offsets.1 == footer.set_offsets.bytes.get()
        })
    }

    /// Words of a bitmap of its colours.
    pub(super) fn set_words(&self) -> usize {
        (self.colours as usize).div_ceil(64)
    }

    pub(super) fn entry(&self) -> ChunkEntry {
        ChunkEntry {
            colours: self.colours.into(),
            leaves: self.leaves.into(),
            bytes: (self.bytes.1 - self.bytes.0).into(),
            offset_width: self.offset_width as u8,
            reserved: [0; 7],
        }
    }
}

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
pub(in crate::layer) struct TableParts<'a> {
    pub(in crate::layer) chunks: &'a [Chunk],
    pub(in crate::layer) sets: Paged<'a>,
    pub(in crate::layer) offsets: Paged<'a>,
    pub(in crate::layer) pairs: Paged<'a>,
    pub(in crate::layer) pair_count: u32,
    /// The node of each set; none where there is but one chunk and sets are its leaves.
    pub(in crate::layer) roots: Option<Paged<'a>>,
    pub(in crate::layer) set_count: u32,
    /// Most pairs between a set and its leaves.
    pub(in crate::layer) depth: u8,
}

/// A layer's table in borrowed bytes. Whatever the bytes, nothing here panics or goes on for ever.
#[derive(Clone, Copy, Debug)]
pub(in crate::layer) struct ColourTable<'a> {
    parts: TableParts<'a>,
    pairs: Packed<Paged<'a>>,
    roots: Option<Packed<Paged<'a>>>,
    leaves: u32,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// What a set holds of one chunk.
    Leaf { chunk: usize, leaf: u32 },
    /// The union of two nodes, whose chunks are apart.
    Pair(u32, u32),
}

impl<'a> ColourTable<'a> {
    /// `None` where lengths and numbers do not fit each other.
    pub(in crate::layer) fn new(parts: TableParts<'a>) -> Option<Self> {
        let last = parts.chunks.last()?;
        let (leaves, pairs) = (last.first_leaf + last.leaves, u64::from(parts.pair_count));
        let nodes = u64::from(leaves) + pairs;
        let is_whole = last.bytes.1 == parts.sets.len() as u64
            && last.offsets.1 == parts.offsets.len() as u64
            && nodes <= u64::from(u32::MAX)
            && parts.depth <= MOST_DEEP;
        let is_plain = parts.chunks.len() == 1 && pairs == 0 && parts.set_count == leaves;
        if !is_whole || (parts.roots.is_none() && !is_plain) {
            return None;
        }
        let width = width_for(nodes);
        let roots = match parts.roots {
            Some(roots) => Some(Packed::new(roots, width, parts.set_count.into())?),
            None => None,
        };
        Some(ColourTable { pairs: Packed::new(parts.pairs, width, 2 * pairs)?, roots, leaves, parts })
    }

    pub(in crate::layer) fn colours(&self) -> u32 {
        self.parts.chunks.last().map_or(0, |last| last.first_colour + last.colours)
    }

    /// Whether sets are the leaves of one chunk.
    pub(in crate::layer) fn is_flat(&self) -> bool {
        self.roots.is_none()
    }

    pub(in crate::layer) fn depth(&self) -> u8 {
        self.parts.depth
    }

    pub(in crate::layer) fn chunks(&self) -> &'a [Chunk] {
        self.parts.chunks
    }

    pub(super) fn parts(&self) -> &TableParts<'a> {
        &self.parts
    }

    pub(super) fn set_count(&self) -> u32 {
        self.parts.set_count
    }

    pub(super) fn leaves(&self) -> u32 {
        self.leaves
    }

    pub(super) fn nodes(&self) -> u32 {
        self.leaves + self.parts.pair_count
    }

    /// The node of a set.
    #[inline]
    pub(in crate::layer) fn root(&self, set: u32) -> Option<u32> {
        if set >= self.parts.set_count {
            return None;
        }
        let node = self.roots.map_or(set, |roots| roots.get(set as usize) as u32);
        (node < self.nodes()).then_some(node)
    }

    /// A pair's two nodes, which come before it.
    #[inline]
    pub(super) fn pair(&self, pair: u32) -> Option<(u32, u32)> {
        if pair >= self.parts.pair_count {
            return None;
        }
        let at = 2 * pair as usize;
        let (left, right) = (self.pairs.get(at) as u32, self.pairs.get(at + 1) as u32);
        (left.max(right) < self.leaves + pair).then_some((left, right))
    }

    #[inline]
    pub(super) fn node(&self, number: u32) -> Option<Node> {
        if let Some(pair) = number.checked_sub(self.leaves) {
            return self.pair(pair).map(|(left, right)| Node::Pair(left, right));
        }
        let chunk = self.chunk_of(number);
        Some(Node::Leaf { chunk, leaf: number - self.parts.chunks[chunk].first_leaf })
    }

    /// The chunk of a leaf that is there.
    fn chunk_of(&self, leaf: u32) -> usize {
        self.parts.chunks.partition_point(|chunk| chunk.first_leaf <= leaf) - 1
    }

    /// The leaves of a chunk.
    pub(super) fn flat(&self, chunk: &Chunk) -> Option<FlatTable<'a>> {
        let part = |bytes: Paged<'a>, (start, end): (u64, u64)| bytes.part(start as usize..end as usize);
        let offsets = part(self.parts.offsets, chunk.offsets)?;
        let offsets = Packed::new(offsets, chunk.offset_width, u64::from(chunk.leaves) + 1)?;
        Some(FlatTable { sets: part(self.parts.sets, chunk.bytes)?, offsets, colours: chunk.colours })
    }

    /// Decodes the set of an id; `None` when id or bytes make no sense.
    pub(in crate::layer) fn decode(&self, set: u32, into: &mut ColourSet) -> Option<()> {
        let root = self.root(set)?;
        if let (true, [chunk]) = (self.is_flat(), self.parts.chunks) {
            return self.flat(chunk)?.decode(root, into);
        }
        into.reset(self.colours());
        let mut part = ColourSet::empty(0);
        // Chunks come in order, each once: what is forged ends as soon as one comes again.
        let (mut waiting, mut next_chunk) = (vec![(root, 0_u8)], 0);
        while let Some((node, depth)) = waiting.pop() {
            match self.node(node)? {
                Node::Pair(left, right) if depth < MOST_DEEP => {
                    waiting.extend([(right, depth + 1), (left, depth + 1)]);
                }
                Node::Leaf { chunk, leaf } if chunk >= next_chunk => {
                    let own = &self.parts.chunks[chunk];
                    self.flat(own)?.decode(leaf, &mut part)?;
                    into.insert_shifted(&part, own.first_colour);
                    next_chunk = chunk + 1;
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Verifies what no checksum tells: that every leaf can be decoded, that pairs join chunks that follow
    /// each other, and that sets are nodes. `None` if not.
    pub(in crate::layer) fn verify(&self) -> Option<()> {
        for chunk in self.parts.chunks {
            let flat = self.flat(chunk)?;
            let mut set = ColourSet::empty(0);
            (0..chunk.leaves).try_for_each(|leaf| flat.decode(leaf, &mut set))?;
        }
        // Of each pair its first and last chunk, and its depth.
        let mut spans: Vec<(u32, u32, u8)> = Vec::with_capacity(self.parts.pair_count as usize);
        for pair in 0..self.parts.pair_count {
            let (left, right) = self.pair(pair)?;
            let span = |node: u32| match node.checked_sub(self.leaves) {
                Some(pair) => spans[pair as usize],
                None => (self.chunk_of(node) as u32, self.chunk_of(node) as u32, 0),
            };
            let (left, right) = (span(left), span(right));
            let depth = left.2.max(right.2) + 1;
            if left.1 >= right.0 || depth > self.parts.depth {
                return None;
            }
            spans.push((left.0, right.1, depth));
        }
        (0..self.parts.set_count).try_for_each(|set| self.root(set).map(|_| ()))
    }

    /// Decodes leaves of a chunk one after the other.
    pub(super) fn decoder(&self, chunk: usize) -> Option<Decoder<'a>> {
        Some(Decoder::new(self.flat(self.parts.chunks.get(chunk)?)?))
    }
}
