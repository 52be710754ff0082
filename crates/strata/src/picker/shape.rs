//! What the picker sees of layers.

use crate::layer::{LayerDescriptor, overlaps};

/// A layer, as far as picking needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerShape<'a> {
    /// Its id.
    pub id: u64,
    /// Its level.
    pub level: u32,
    /// Its recency; layers of a level that share it are one run.
    pub recency: u64,
    /// Its length.
    pub bytes: u64,
    /// How many entries it has.
    pub entries: u64,
    /// How many of them only delete others.
    pub deletes: u64,
    /// When it was written, in seconds since the Unix epoch.
    pub created: u64,
    /// Its smallest key.
    pub smallest: &'a [u8],
    /// Its largest key, inclusive.
    pub largest: &'a [u8],
}

impl<'a> LayerShape<'a> {
    /// The shape of a layer.
    pub fn of(layer: &'a LayerDescriptor) -> LayerShape<'a> {
        LayerShape {
            id: layer.id,
            level: layer.level,
            recency: layer.recency,
            bytes: layer.bytes,
            entries: layer.entries,
            deletes: layer.deletes,
            created: layer.created,
            smallest: &layer.smallest,
            largest: &layer.largest,
        }
    }

    pub(super) fn range(&self) -> (&'a [u8], &'a [u8]) {
        (self.smallest, self.largest)
    }
}

/// The layers of a level that share a recency, in the order of keys.
pub(super) type Run<'a> = Vec<LayerShape<'a>>;

/// The runs of a level, newest first.
pub(super) fn runs<'a>(layers: &[LayerShape<'a>], level: u32) -> Vec<Run<'a>> {
    let mut sorted: Vec<LayerShape<'a>> =
        layers.iter().filter(|layer| layer.level == level).copied().collect();
    sort_newest_first(&mut sorted);
    sorted.chunk_by(|one, other| one.recency == other.recency).map(<[_]>::to_vec).collect()
}

/// The smallest range that covers all of `layers`.
pub(super) fn hull<'a>(layers: &[LayerShape<'a>]) -> Option<(&'a [u8], &'a [u8])> {
    let smallest = layers.iter().map(|layer| layer.smallest).min()?;
    let largest = layers.iter().map(|layer| layer.largest).max()?;
    Some((smallest, largest))
}

/// The layers of `level` that share a key with `range`, in the order of keys.
pub(super) fn overlapping<'a>(
    layers: &[LayerShape<'a>],
    level: u32,
    range: (&[u8], &[u8]),
) -> Vec<LayerShape<'a>> {
    let mut found: Vec<LayerShape<'a>> = layers
        .iter()
        .filter(|layer| layer.level == level && overlaps(layer.range(), range))
        .copied()
        .collect();
    found.sort_by(|one, other| one.smallest.cmp(other.smallest).then(one.id.cmp(&other.id)));
    found
}

/// The layers of `level` that overlap `range`, those that overlap these, and so on. In a level whose layers
/// do not overlap that is the same as [`overlapping`].
pub(super) fn connected<'a>(
    layers: &[LayerShape<'a>],
    level: u32,
    range: (&[u8], &[u8]),
) -> Vec<LayerShape<'a>> {
    let mut found = overlapping(layers, level, range);
    while let Some((smallest, largest)) = hull(&found) {
        let wider = overlapping(layers, level, (smallest.min(range.0), largest.max(range.1)));
        if wider.len() == found.len() {
            break;
        }
        found = wider;
    }
    found
}

/// Newest first within a level.
pub(super) fn sort_newest_first(layers: &mut [LayerShape<'_>]) {
    layers
        .sort_by(|one, other| other.recency.cmp(&one.recency).then_with(|| one.smallest.cmp(other.smallest)));
}

pub(super) fn bytes(layers: &[LayerShape<'_>]) -> u64 {
    layers.iter().map(|layer| layer.bytes).sum()
}
