//! One merge divided by key range among the thread that makes it and workers that have nothing else to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::edit::from_kind;
use super::progress::JobProgress;
use super::shared::Shared;
use super::{Layer, Version};
use crate::Error;
use crate::layer::{FinishedLayer, LayerDescriptor, LayerKind, LayerOutput, MergeJob};
use crate::picker::MergePlan;
use crate::runtime::panic_message;

/// A piece of a merge is worth a thread from so many output layers on.
const LEAST_LAYERS: u64 = 2;

/// For each piece so many parts of layers are told apart when it is looked where to cut.
const PARTS_OF_PIECE: usize = 8;

/// A merge, and which of its pieces are still to be made. Pieces share no key; each is merged on its own, and only
/// all together become part of the set.
pub(super) struct Division<K: LayerKind> {
    pub(super) plan: MergePlan,
    pub(super) version: Arc<Version<K>>,
    pub(super) inputs: Vec<Arc<Layer<K>>>,
    pub(super) progress: Arc<JobProgress>,
    pub(super) is_bottom: bool,
    /// The first key of each piece but the first.
    pub(super) boundaries: Vec<Vec<u8>>,
    next: AtomicUsize,
    outcomes: Mutex<Vec<Result<Vec<FinishedLayer>, Error>>>,
}

impl<K: LayerKind> std::fmt::Debug for Division<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Division").field("plan", &self.plan).field("boundaries", &self.boundaries).finish()
    }
}

impl<K: LayerKind> Division<K> {
    pub(super) fn new(
        plan: MergePlan,
        version: Arc<Version<K>>,
        inputs: Vec<Arc<Layer<K>>>,
        progress: Arc<JobProgress>,
        (is_bottom, boundaries): (bool, Vec<Vec<u8>>),
    ) -> Division<K> {
        let (next, outcomes) = (AtomicUsize::new(0), Mutex::default());
        Division { plan, version, inputs, progress, is_bottom, boundaries, next, outcomes }
    }

    /// Makes pieces until none is left to begin; answers whether it made any. Once a piece has failed the others
    /// are not begun. A panic becomes the piece's error if others may work on the same merge.
    pub(super) fn work(&self, shared: &Shared<K>) -> bool {
        let mut worked = false;
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece > self.boundaries.len() {
                return worked;
            }
            worked = true;
            let failed = self.outcomes.lock().iter().any(Result::is_err);
            let outcome = if failed { Ok(Vec::new()) } else { self.try_piece(shared, piece) };
            self.outcomes.lock().push(outcome);
            shared.changed.notify();
        }
    }

    /// Whether there is a piece that nobody has begun.
    pub(super) fn has_pieces(&self) -> bool {
        self.next.load(Ordering::Relaxed) <= self.boundaries.len()
    }

    /// Waits for pieces that others make; all that came of the merge, or its first failure.
    pub(super) fn finish(&self, shared: &Shared<K>) -> Result<Vec<FinishedLayer>, Error> {
        loop {
            let seen = shared.changed.generation();
            if self.outcomes.lock().len() > self.boundaries.len() {
                break;
            }
            shared.changed.wait(seen);
        }
        let outcomes: Result<Vec<_>, Error> =
            std::mem::take(&mut *self.outcomes.lock()).into_iter().collect();
        Ok(outcomes?.into_iter().flatten().collect())
    }

    fn try_piece(&self, shared: &Shared<K>, piece: usize) -> Result<Vec<FinishedLayer>, Error> {
        if self.boundaries.is_empty() {
            return self.merge_piece(shared, piece);
        }
        catch_unwind(AssertUnwindSafe(|| self.merge_piece(shared, piece))).unwrap_or_else(|panic| {
            let source = format!("the merge panicked: {}", panic_message(&*panic)).into();
            Err(Error::Kind { action: "merge", place: self.place(shared), source })
        })
    }

    pub(super) fn place(&self, shared: &Shared<K>) -> String {
        format!("layers {:?} of {}", self.plan.inputs, shared.storage.describe(""))
    }

    fn merge_piece(&self, shared: &Shared<K>, piece: usize) -> Result<Vec<FinishedLayer>, Error> {
        let factory = shared.factory(self.progress.clone());
        let recency = self.inputs.iter().map(|layer| layer.descriptor().recency).max().unwrap_or(0);
        let start = piece.checked_sub(1).and_then(|before| self.boundaries.get(before));
        let job = MergeJob {
            inputs: &self.inputs,
            version: &self.version,
            target_level: self.plan.target_level,
            is_bottom: self.is_bottom,
            reason: &self.plan.reason,
            progress: &self.progress,
            range: (start.map(Vec::as_slice), self.boundaries.get(piece).map(Vec::as_slice)),
        };
        let table_bytes = shared.options.policy.table_bytes();
        let mut output =
            LayerOutput { factory: &factory, level: self.plan.target_level, recency, table_bytes };
        let merged = shared.kind.merge(&job, &mut output);
        merged.map_err(|error| from_kind("merge", || self.place(shared), error))?;
        Ok(factory.take_finished())
    }
}

/// A layer, and keys that cut it into pieces of about the same size.
pub(super) type CutLayer<'a> = (&'a LayerDescriptor, Vec<Vec<u8>>);

/// Into how many pieces to divide a merge of so many bytes, at most `most`: 1 if they would be too small to be worth
/// it.
pub(super) fn pieces(bytes: u64, table_bytes: u64, most: usize) -> u64 {
    (bytes / table_bytes.saturating_mul(LEAST_LAYERS).max(1)).clamp(1, most.max(1) as u64)
}

/// Into how many parts to take each of so many layers apart to find where to cut a merge into `pieces`.
pub(super) fn parts_of_layer(pieces: u64, layers: usize) -> usize {
    (pieces as usize).saturating_mul(PARTS_OF_PIECE).div_ceil(layers.max(1))
}

/// Where to cut a merge of `inputs` into `pieces` of about the same size, or fewer: right after keys, so that what ends
/// there has a last key, which is before all that begins there.
pub(super) fn boundaries(inputs: &[CutLayer<'_>], pieces: u64) -> Vec<Vec<u8>> {
    let mut marks = marks(inputs);
    marks.sort();
    let all: u64 = marks.iter().map(|(_, bytes)| bytes).sum();
    // Nothing is behind the last.
    let Some((end, _)) = marks.pop() else { return Vec::new() };
    let (mut boundaries, mut passed) = (Vec::new(), 0);
    for (key, bytes) in marks {
        passed += bytes;
        let pieces_so_far = boundaries.len() as u64 + 1;
        if key < end && pieces_so_far < pieces && pieces * passed >= all * pieces_so_far {
            boundaries.push(key);
        }
    }
    boundaries.dedup();
    boundaries
}

/// Keys, and how many bytes lie before each but not before the one before it. Where nobody knows what is within layers,
/// the ends of those of that level which has most stand for all.
fn marks(inputs: &[CutLayer<'_>]) -> Vec<(Vec<u8>, u64)> {
    let is_cut = inputs.iter().any(|(_, cuts)| !cuts.is_empty());
    let layers_of = |level: u32| inputs.iter().filter(move |(layer, _)| layer.level == level).count();
    let fullest = inputs.iter().map(|(layer, _)| layer.level).max_by_key(|level| layers_of(*level));
    let told = inputs.iter().filter(|(layer, _)| is_cut || Some(layer.level) == fullest);
    told.flat_map(|(layer, cuts)| {
        let share = layer.bytes / (cuts.len() as u64 + 1);
        let keys = cuts.iter().chain([&layer.largest]);
        keys.map(move |key| ([&key[..], &[0]].concat(), share))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{boundaries, parts_of_layer, pieces};
    use crate::golden::layer;
    use crate::layer::LayerDescriptor;

    /// Cuts layers of which only their ends are known, or of which each is also cut after these keys.
    fn cut(text: &str, cuts: &[&str], table_bytes: u64, most: usize) -> Vec<String> {
        let layers: Vec<LayerDescriptor> = text.lines().map(layer).collect();
        let bytes = layers.iter().map(|layer| layer.bytes).sum();
        let cuts: Vec<Vec<u8>> = cuts.iter().map(|key| key.as_bytes().to_vec()).collect();
        let layers: Vec<_> = layers.iter().map(|layer| (layer, cuts.clone())).collect();
        let text = |key: Vec<u8>| String::from_utf8_lossy(&key).into_owned();
        boundaries(&layers, pieces(bytes, table_bytes, most)).into_iter().map(text).collect()
    }

    const LAYERS: &str = "layer 1 level=0 recency=9 bytes=100 keys=a..z
layer 2 level=1 recency=1 bytes=100 keys=a..c
layer 3 level=1 recency=1 bytes=100 keys=d..f
layer 4 level=1 recency=1 bytes=100 keys=g..i
layer 5 level=1 recency=1 bytes=100 keys=j..l";

    const RUNS: &str = "layer 1 level=0 recency=9 bytes=500 keys=a..z
layer 2 level=0 recency=8 bytes=500 keys=a..z";

    #[test]
    fn pieces_are_alike_and_end_with_layers() {
        assert_eq!(cut(LAYERS, &[], 50, 2), ["f\0"]);
        assert_eq!(cut(LAYERS, &[], 50, 4), ["c\0", "f\0", "i\0"]);
        assert_eq!(cut(LAYERS, &[], 50, 9), ["c\0", "f\0", "i\0"]);
    }

    #[test]
    fn a_few_large_layers_are_cut_within() {
        let cuts = ["d", "h", "n", "q"];
        assert_eq!(cut(RUNS, &cuts, 50, 2), ["n\0"]);
        assert_eq!(cut(RUNS, &cuts, 50, 5), ["d\0", "h\0", "n\0", "q\0"]);
        assert_eq!(cut(RUNS, &["n"], 50, 9), ["n\0"]);
        // What is said of the small one hardly counts.
        let uneven =
            "layer 1 level=0 recency=9 bytes=10 keys=a..b\nlayer 2 level=0 recency=8 bytes=500 keys=a..z";
        assert_eq!(cut(uneven, &cuts, 50, 2), ["n\0"]);
    }

    #[test]
    fn layers_are_taken_apart_where_there_are_few() {
        let parts = [(2, 1), (2, 6), (4, 6), (2, 16), (2, 5000)]
            .map(|(pieces, layers)| parts_of_layer(pieces, layers));
        assert_eq!(parts, [16, 3, 6, 1, 1]);
    }

    #[test]
    fn what_is_small_or_has_nobody_to_help_stays_whole() {
        assert!(cut(LAYERS, &["b"], 50, 1).is_empty());
        assert!(cut(LAYERS, &["b"], 200, 4).is_empty());
        assert!(cut("layer 1 level=0 recency=9 bytes=1000 keys=a..z", &[], 50, 4).is_empty());
        assert!(cut("layer 1 level=0 recency=9 bytes=1000 keys=a..z", &["b"], u64::MAX, 4).is_empty());
        assert!(cut(RUNS, &[], 50, 4).is_empty());
    }
}
