//! Layers that are written before it is known where among the others they belong.
//!
//! A merge or a seal knows its level when it begins. Layers of data that is loaded in bulk are finished first; then
//! they go as deep as nothing that holds keys of theirs is in the way, all in one edit.

use std::sync::Arc;

use super::Version;
use super::commit::Change;
use super::progress::JobProgress;
use super::shared::Shared;
use crate::Error;
use crate::layer::{LayerDescriptor, LayerFactory, LayerKind, LayerWriter};
use crate::manifest;
use crate::picker;

/// Layers being written for one edit. They must not overlap. Dropped, they never were.
#[derive(Debug)]
#[must_use = "an ingestion changes nothing until it is committed"]
pub struct Ingestion<K: LayerKind> {
    shared: Arc<Shared<K>>,
    factory: LayerFactory,
}

/// Keeps merges from writing to the place that was chosen.
struct Place<'a, K: LayerKind> {
    shared: &'a Shared<K>,
    ticket: u64,
    level: u32,
}

impl<K: LayerKind> Drop for Place<'_, K> {
    fn drop(&mut self) {
        self.shared.merging.lock().claims.release(self.ticket);
        self.shared.changed.notify();
    }
}

impl<K: LayerKind> Ingestion<K> {
    pub(super) fn new(shared: Arc<Shared<K>>) -> Self {
        let factory = shared.factory(Arc::new(JobProgress::default()));
        Ingestion { shared, factory }
    }

    /// Starts a layer. End it with [`LayerWriter::finish`]; its level and recency are decided later.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn start(&self) -> Result<LayerWriter, Error> {
        self.factory.start(0, 0)
    }

    /// Makes the finished layers part of the set, as the newest there is for their keys: at the deepest level above
    /// whatever shares a key with the range from the first to the last of them. `describe` may complete what the
    /// manifest is to know of each, before the layers are opened.
    ///
    /// Between this call and its end nobody may commit a layer with a recency taken before.
    ///
    /// # Errors
    /// As [`Edit::commit`](super::Edit::commit).
    pub fn commit(self, describe: impl Fn(&mut LayerDescriptor)) -> Result<Arc<Version<K>>, Error> {
        let mut finished = self.factory.take_finished();
        let descriptors = || finished.iter().map(|layer| &layer.descriptor);
        let smallest = descriptors().map(|layer| layer.smallest.clone()).min().unwrap_or_default();
        let largest = descriptors().map(|layer| layer.largest.clone()).max().unwrap_or_default();
        let recency = self.shared.next_recency();
        let place = self.shared.take_place((&smallest, &largest));
        for layer in &mut finished {
            layer.descriptor.level = place.level;
            layer.descriptor.recency = recency;
            describe(&mut layer.descriptor);
        }
        let layers = finished.len() as u64;
        let bytes: u64 = finished.iter().map(|layer| layer.descriptor.bytes).sum();
        let new = self.shared.open_finished(finished)?;
        let version = self.shared.commit(Change { edit: manifest::Edit::default(), new, is_seal: true })?;
        let mut totals = self.shared.totals.lock();
        totals.sealed_layers += layers;
        totals.sealed_bytes += bytes;
        Ok(version)
    }
}

impl<K: LayerKind> Shared<K> {
    /// A recency larger than any given out or committed before.
    pub(super) fn next_recency(&self) -> u64 {
        let state = &mut self.writer.lock().manifest.state;
        let recency = state.next_recency.max(1);
        state.next_recency = recency + 1;
        recency
    }

    /// Chooses the level for new layers within `range`, and claims it like a merge that is to write there.
    fn take_place(&self, range: (&[u8], &[u8])) -> Place<'_, K> {
        let mut merging = self.merging.lock();
        let version = self.current();
        let level = picker::deepest_place(&version.shapes(), &self.options.policy, &merging.claims, range);
        let ticket = merging.claims.take_range(level, range);
        Place { shared: self, ticket, level }
    }
}
