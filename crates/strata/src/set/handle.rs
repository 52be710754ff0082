//! The handle to a layered set: what its users call.

use std::sync::Arc;

use parking_lot::Mutex;

use super::merge::Caller;
use super::shared::Shared;
use super::{
    BorrowedVersion, Edit, Ingestion, Layer, LayerVerification, MergePause, MergeReport, OpenReport,
    SetImage, SetOptions, SetStatistics, Version,
};
use crate::Error;
use crate::layer::LayerKind;
use crate::manifest::{self, State};
use crate::runtime::{Event, JoinHandle, Spawner};
use crate::storage::Storage;

/// A set of immutable layers on a storage. Clones are handles to the same set; when the last one is dropped,
/// background work ends (as with [`close`](LayeredSet::close), but without its snapshot of the manifest).
#[derive(Debug)]
pub struct LayeredSet<K: LayerKind> {
    inner: Arc<Inner<K>>,
}

impl<K: LayerKind> Clone for LayeredSet<K> {
    fn clone(&self) -> Self {
        LayeredSet { inner: self.inner.clone() }
    }
}

#[derive(Debug)]
struct Inner<K: LayerKind> {
    /// Workers hold this, but never `Inner`: dropping the last handle must end them.
    shared: Arc<Shared<K>>,
    workers: Mutex<Vec<Box<dyn JoinHandle>>>,
}

impl<K: LayerKind> Inner<K> {
    fn stop(&self) {
        self.shared.cancel();
        for worker in std::mem::take(&mut *self.workers.lock()) {
            // Workers catch the panics of merges, so there is nothing to tell here.
            let _ = worker.join();
        }
    }
}

impl<K: LayerKind> Drop for Inner<K> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<K: LayerKind> LayeredSet<K> {
    /// Opens a set, or makes a new one if the storage has none. Takes the storage's lock, reads the manifest
    /// back to its last snapshot, opens every layer, and deletes layers that no edit names. No merge starts
    /// before [`start_background`](LayeredSet::start_background) or an explicit call.
    ///
    /// # Errors
    /// Before anything is changed: the storage is locked, the manifest is damaged ([`Error::Corrupt`], with
    /// blob and offset) or of a newer format ([`Error::NewerFormat`]), the layers are of another kind
    /// ([`Error::WrongKind`]), or there are layers but no manifest ([`Error::ManifestMissing`]). Also if a
    /// layer is missing or cannot be opened.
    pub fn open(
        storage: Arc<dyn Storage>,
        kind: K,
        options: SetOptions,
    ) -> Result<(LayeredSet<K>, OpenReport), Error> {
        let (shared, report) = Shared::open(storage, kind, options)?;
        let inner = Inner { shared: Arc::new(shared), workers: Mutex::default() };
        Ok((LayeredSet { inner: Arc::new(inner) }, report))
    }

    /// Opens a set to read it, as the manifest has it now. Takes no lock, writes nothing and deletes nothing, so that
    /// any number of readers can be there, beside a writer too. The set does not change: to see later edits, open it
    /// again; layers that are open in `before`, a version of an earlier opening, are shared with that then.
    ///
    /// A writer may delete layers while they are read; where open files outlive their names, as on Unix, that does no
    /// harm.
    ///
    /// # Errors
    /// [`Error::NoSet`] if there is none; as [`LayeredSet::open`]. Edits and merges fail with [`Error::ReadOnly`].
    pub fn open_read_only(
        storage: Arc<dyn Storage>,
        kind: K,
        options: SetOptions,
        before: Option<&Version<K>>,
    ) -> Result<(LayeredSet<K>, OpenReport), Error> {
        let (shared, report) = Shared::open_read_only(storage, kind, options, before)?;
        let inner = Inner { shared: Arc::new(shared), workers: Mutex::default() };
        Ok((LayeredSet { inner: Arc::new(inner) }, report))
    }

    /// The version that shows the last committed edit. Takes constant time and never waits for merges.
    pub fn current(&self) -> Arc<Version<K>> {
        self.inner.shared.current()
    }

    /// The same for a moment, without a count of references that all readers would share: what a point read takes.
    pub fn borrow_current(&self) -> BorrowedVersion<K> {
        self.inner.shared.borrow_current()
    }

    /// A version as data, from which a copy of the set can be made. Hold the version while its blobs are copied.
    pub fn image(&self, version: &Version<K>) -> SetImage {
        let state = &self.inner.shared.writer.lock().manifest.state;
        let layers = version.layers().map(|layer| (layer.descriptor().id, layer.descriptor().clone()));
        let state = State {
            epoch: state.epoch,
            next_recency: state.next_recency,
            layers: layers.collect(),
            records: version.records().clone(),
        };
        SetImage::new(self.kind().name(), state, self.inner.shared.options.encryption.clone())
    }

    /// Whether edits are possible: an edit that failed and left this so has changed nothing.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::ReadOnly`]; [`Error::Poisoned`] if nobody knows how an edit ended, and
    /// [`Error::Fenced`] if somebody else writes here.
    pub fn check(&self) -> Result<(), Error> {
        self.inner.shared.writer.lock().check()
    }

    /// Starts an edit.
    pub fn edit(&self) -> Edit<'_, K> {
        Edit::new(&self.inner.shared)
    }

    /// A recency larger than any given out or committed before, for the next layer to be sealed.
    pub fn next_recency(&self) -> u64 {
        self.inner.shared.next_recency()
    }

    /// Starts layers of which it will be known only at the end where they belong.
    pub fn ingestion(&self) -> Ingestion<K> {
        Ingestion::new(self.inner.shared.clone())
    }

    /// The layer kind given to [`open`](LayeredSet::open).
    pub fn kind(&self) -> &K {
        &self.inner.shared.kind
    }

    /// The storage given to [`open`](LayeredSet::open).
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.inner.shared.storage
    }

    /// Makes the most urgent merge on the calling thread. `None` if none is due, or others work on all that
    /// are.
    pub fn merge_once(&self) -> Result<Option<MergeReport>, Error> {
        self.inner.shared.merge_once(Caller::User)
    }

    /// Merges on the calling thread until nothing is due, and waits for merges of others.
    pub fn merge_until_idle(&self) -> Result<Vec<MergeReport>, Error> {
        self.inner.shared.merge_until_idle()
    }

    /// Waits for running merges, then merges everything there is into one run, on the calling thread. `None`
    /// if the set is empty.
    pub fn merge_all(&self) -> Result<Option<MergeReport>, Error> {
        self.inner.shared.merge_all()
    }

    /// Merges all layers of lesser levels into one run of this one, on the calling thread: when many layers were
    /// sealed at once, each of their entries is rewritten once instead of level by level. `None` if there are none,
    /// or others merge some of them.
    ///
    /// # Errors
    /// Those of the merge; [`Error::UnknownLayer`] if somebody removed an input meanwhile.
    pub fn merge_into_level(&self, level: u32) -> Result<Option<MergeReport>, Error> {
        self.inner.shared.merge_into_level(level)
    }

    /// Merges whatever holds keys from `start` up to, not including, `end`, level by level into one run, on the
    /// calling thread; waits for merges of others that are in the way. Layers reach over the ends of the range and
    /// are merged whole. What is written meanwhile may be left out. A tiered set merges everything.
    pub fn merge_range(&self, start: &[u8], end: &[u8]) -> Result<Vec<MergeReport>, Error> {
        self.inner.shared.merge_range(start, end)
    }

    /// Rewrites the layers that `is_wanted` picks, each where it is, on the calling thread; waits for merges of others
    /// that are in the way. What comes of it, and what others write meanwhile, is asked about again.
    ///
    /// # Errors
    /// Those of a merge. What was rewritten before stays so.
    pub fn rewrite(&self, is_wanted: impl Fn(&Layer<K>) -> bool) -> Result<Vec<MergeReport>, Error> {
        self.inner.shared.rewrite(&is_wanted)
    }

    /// Writes the whole state into a new blob of the manifest, encrypted with the key of the moment, which makes all
    /// blobs before it superfluous.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Encryption`].
    pub fn write_snapshot(&self) -> Result<(), Error> {
        let mut writer = self.inner.shared.writer.lock();
        writer.check()?;
        writer.manifest.write_snapshot()
    }

    /// The name of the key of each blob of the manifest, oldest first; `None` for one that is not encrypted.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn manifest_key_ids(&self) -> Result<Vec<Option<String>>, Error> {
        manifest::key_ids(&*self.inner.shared.storage)
    }

    /// Starts `threads` workers that merge whatever becomes due. May be called again for more.
    ///
    /// # Errors
    /// [`Error::Spawn`]; workers started before that go on.
    pub fn start_background(&self, spawner: &dyn Spawner, threads: usize) -> Result<(), Error> {
        let mut workers = self.inner.workers.lock();
        for _ in 0..threads {
            let shared = self.inner.shared.clone();
            let name = format!("merge-{}", workers.len());
            workers.push(spawner.spawn(&name, Box::new(move || shared.work()))?);
        }
        Ok(())
    }

    /// Keeps background workers from starting merges while the result is held.
    pub fn pause(&self) -> MergePause<K> {
        MergePause::new(self.inner.shared.clone())
    }

    /// Takes constant time: runs in level 0, relative to the number that starts a merge. A writer should slow
    /// down as it grows past 2 or so, to let merges keep up; wait on [`changed`](LayeredSet::changed) for it
    /// to fall.
    pub fn pressure(&self) -> f64 {
        self.inner.shared.pressure()
    }

    /// Whether what lies above all layers is worth sealing, so that it can be merged: `bytes_above` is its length, and
    /// `paid` what reads have paid for entries that it deletes, as with [`ReadCosts`](crate::ReadCosts).
    pub fn is_seal_paid_for(&self, bytes_above: u64, paid: u64) -> bool {
        self.inner.shared.is_seal_paid_for(bytes_above, paid)
    }

    /// Notified after each commit, after each merge, when reads may have paid for a merge, and on closing.
    pub fn changed(&self) -> &Event {
        &self.inner.shared.changed
    }

    /// What the set knows of itself.
    pub fn statistics(&self) -> SetStatistics {
        self.inner.shared.statistics()
    }

    /// Opens every layer of the current version anew and checks its checksums; reads everything.
    pub fn verify(&self) -> Vec<LayerVerification> {
        self.inner.shared.verify()
    }

    /// Ends background work, giving up merges at their next step; then writes a snapshot of the manifest, if
    /// edits were made, and unlocks the storage. Versions stay readable; edits and merges fail with
    /// [`Error::Closed`]. Closing again does nothing.
    ///
    /// # Errors
    /// The snapshot could not be written. The set is closed nevertheless, and nothing is lost.
    pub fn close(&self) -> Result<(), Error> {
        self.inner.stop();
        let mut writer = self.inner.shared.writer.lock();
        if writer.closed {
            return Ok(());
        }
        writer.closed = true;
        let lock = writer.lock.take();
        let outcome = match writer.manifest.check() {
            Ok(()) if writer.manifest.has_edits() && !writer.read_only => writer.manifest.write_snapshot(),
            _ => Ok(()),
        };
        drop(lock);
        outcome
    }
}
