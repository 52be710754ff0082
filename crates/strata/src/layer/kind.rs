//! The trait that makes a layered set hold one thing or another: tables, k-mer layers, sorted numbers.

use std::fmt::Debug;
use std::sync::Arc;

use super::writer::LayerFactory;
use super::{LayerDescriptor, LayerWriter};
use crate::Error;
use crate::picker::MergeReason;
use crate::set::{JobProgress, Layer, Version};
use crate::storage::Blob;

/// Any error of a layer kind.
pub type KindError = Box<dyn std::error::Error + Send + Sync>;

/// What the layers of a set are made of. The set calls it from many threads at once.
pub trait LayerKind: Send + Sync + Sized + 'static {
    /// An open layer, ready for queries.
    type Layer: Send + Sync + 'static;

    /// Recorded in the manifest and compared when the set is opened.
    fn name(&self) -> &'static str;

    /// Opens a sealed layer. Its bytes are untrusted: damage is an error, never a panic.
    fn open(&self, blob: Arc<dyn Blob>, descriptor: &LayerDescriptor) -> Result<Self::Layer, KindError>;

    /// Merges the job's inputs into layers started with `output`. Where inputs disagree on a key the newest
    /// (first) is right. It may write no layer at all if nothing is left. The layers of one merge must not
    /// overlap. Call [`MergeJob::note_read`] now and then, and return errors of the output at once: that is
    /// how a merge stops when the set is closed.
    fn merge(&self, job: &MergeJob<'_, Self>, output: &mut LayerOutput<'_>) -> Result<(), KindError>;

    /// Told when a merge has ended, well or not: if well, readers see its layers already. `inputs` are those of its
    /// [`MergeJob`].
    fn merge_ended(&self, inputs: &[Arc<Layer<Self>>]) {
        let _ = inputs;
    }

    /// Whether [`merge`](LayerKind::merge) keeps to [`MergeJob::range`]. Only then is a large merge divided among
    /// idle workers.
    fn merges_ranges(&self) -> bool {
        false
    }

    /// Keys that cut a layer into so many pieces of about the same size, or fewer, ascending: right after some of them
    /// a merge of a few large layers is divided. Without any it is divided where layers end.
    fn cuts(&self, layer: &Self::Layer, pieces: usize) -> Vec<Vec<u8>> {
        let _ = (layer, pieces);
        Vec::new()
    }

    /// The ids of layers of `version` of which nobody can see anything, now or later, because newer layers delete
    /// every key that they have an entry for, and go on to hide what these hide in older ones. They are dropped
    /// without being read.
    fn hidden(&self, version: &Version<Self>) -> Vec<u64> {
        let _ = version;
        Vec::new()
    }

    /// The ids of layers of `version` that are worth rewriting though no size or delete asks for it, because much of
    /// what they hold has become void. Merges of these are made when nothing else is due; a merge must leave no layer
    /// that is told again at once.
    fn outdated(&self, version: &Version<Self>) -> Vec<u64> {
        let _ = version;
        Vec::new()
    }

    /// Checks every checksum of a layer.
    fn verify(&self, layer: &Self::Layer) -> Result<(), KindError>;

    /// Told when the manifest names a layer, or may name it after a write that failed: when the set is opened, and
    /// with each commit, before readers see the layer. For kinds whose layers depend on further blobs, which must be
    /// kept from now on. A layer that changes its level is not told again.
    fn layer_named(&self, layer: &Self::Layer) {
        let _ = layer;
    }

    /// Told when no later version names a layer, after [`layer_named`](LayerKind::layer_named) was for those that
    /// replace it. Readers of older versions may still hold it.
    fn layer_retired(&self, layer: &Self::Layer) {
        let _ = layer;
    }
}

/// What is to be merged, and under which circumstances.
#[derive(Debug)]
pub struct MergeJob<'a, K: LayerKind> {
    pub(crate) inputs: &'a [Arc<Layer<K>>],
    pub(crate) version: &'a Version<K>,
    pub(crate) target_level: u32,
    pub(crate) is_bottom: bool,
    pub(crate) reason: &'a MergeReason,
    pub(crate) progress: &'a JobProgress,
    pub(crate) range: KeyRange<'a>,
}

/// The first key, if there is one, and the first key after.
pub type KeyRange<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

impl<K: LayerKind> MergeJob<'_, K> {
    /// The inputs, newest first. Layers of the same level and recency do not overlap and come in key order.
    pub fn inputs(&self) -> &[Arc<Layer<K>>] {
        self.inputs
    }

    /// The version the inputs were taken from; its records tell what the set's owner wrote down.
    pub fn version(&self) -> &Version<K> {
        self.version
    }

    /// The level the output goes to.
    pub fn target_level(&self) -> u32 {
        self.target_level
    }

    /// The keys to merge, from the first one up to, not including, the second: others are merged elsewhere at the
    /// same time. Without bounds unless the kind [`merges_ranges`](LayerKind::merges_ranges). A second one is always
    /// some key with a zero byte after it, and so the very next one after that key.
    pub fn range(&self) -> KeyRange<'_> {
        self.range
    }

    /// Whether no layer older than the inputs covers any of their keys: what only hides older entries (a
    /// tombstone) may then be left out.
    pub fn is_bottom(&self) -> bool {
        self.is_bottom
    }

    /// Why the merge is made.
    pub fn reason(&self) -> &MergeReason {
        self.reason
    }

    /// Tells that `bytes` more of the inputs were read, for whoever watches the merge.
    pub fn note_read(&self, bytes: u64) {
        self.progress.note_read(bytes);
    }
}

/// Where a merge writes its layers.
#[derive(Debug)]
pub struct LayerOutput<'a> {
    pub(crate) factory: &'a LayerFactory,
    pub(crate) level: u32,
    pub(crate) recency: u64,
    pub(crate) table_bytes: u64,
}

impl LayerOutput<'_> {
    /// Starts a layer. Several may be written at once. End each with [`LayerWriter::finish`]; one that is
    /// dropped is discarded.
    pub fn start(&mut self) -> Result<LayerWriter, Error> {
        self.factory.start(self.level, self.recency)
    }

    /// Tells of bytes that are written beside the layers, and waits as long as if they went into one: all that a merge
    /// writes is within the limit of [`SetOptions`](crate::SetOptions).
    ///
    /// # Errors
    /// [`Error::Closed`] if the set is being closed.
    pub fn note_written_elsewhere(&mut self, bytes: u64) -> Result<(), Error> {
        self.factory.note_written(bytes)
    }

    /// How large a layer should become before the next one is started; [`u64::MAX`] if one layer is wanted.
    pub fn table_bytes(&self) -> u64 {
        self.table_bytes
    }
}
