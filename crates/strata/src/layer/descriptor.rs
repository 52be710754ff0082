//! What the manifest knows of a layer.

/// A layer as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDescriptor {
    /// Unique in the set for ever: the writer's epoch times 10^10 plus a count.
    pub id: u64,
    /// Zero for what was just sealed. Of two overlapping layers of different levels the one with the lower
    /// level is newer.
    pub level: u32,
    /// Orders the layers of one level: larger is newer. Layers of one level that share it are one run: they
    /// do not overlap.
    pub recency: u64,
    /// The smallest key, by the order of bytes.
    pub smallest: Vec<u8>,
    /// The largest key, inclusive.
    pub largest: Vec<u8>,
    /// The length of the blob.
    pub bytes: u64,
    /// How many entries it has, in the kind's own terms.
    pub entries: u64,
    /// How many of them only delete others.
    pub deletes: u64,
    /// When it was written, in seconds since the Unix epoch; a move to another level changes nothing.
    pub created: u64,
    /// The kind's own notes.
    pub metadata: Vec<u8>,
}

impl LayerDescriptor {
    /// Whether the two layers' key ranges have a key in common.
    pub fn overlaps(&self, other: &LayerDescriptor) -> bool {
        overlaps((&self.smallest, &self.largest), (&other.smallest, &other.largest))
    }

    /// The name of the layer's blob: `layers/` and the id in 20 digits.
    pub fn blob_name(&self) -> String {
        blob_name(self.id)
    }

    /// The name of the blob of the layer of this id.
    pub fn name_of(id: u64) -> String {
        blob_name(id)
    }
}

/// What the writer of a layer tells of it when it is done; the length is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerSummary {
    /// The smallest key.
    pub smallest: Vec<u8>,
    /// The largest key, inclusive.
    pub largest: Vec<u8>,
    /// How many entries it has.
    pub entries: u64,
    /// How many of them only delete others: the more, the sooner a merge is worth it. Zero if the kind has no
    /// deletes.
    pub deletes: u64,
    /// The kind's own notes.
    pub metadata: Vec<u8>,
}

/// The folder of layers.
pub(crate) const LAYER_FOLDER: &str = "layers";

pub(crate) fn blob_name(id: u64) -> String {
    format!("{LAYER_FOLDER}/{id:020}")
}

/// The id in a blob's name, if it is the name of a layer.
pub(crate) fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(LAYER_FOLDER)?.strip_prefix('/')?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Whether two inclusive ranges have a key in common.
pub(crate) fn overlaps(one: (&[u8], &[u8]), other: (&[u8], &[u8])) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}
