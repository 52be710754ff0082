//! The handle: creating, opening, searching, merging.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use stroma_strata::runtime::Spawner;
use stroma_strata::storage::Storage;
use stroma_strata::{LayeredSet, SetOptions};

use super::{BuildResources, IndexOptions, SampleInfo};
use crate::Error;
use crate::count::Spills;
use crate::kmer::Geometry;
use crate::layer::{ColdLayers, KmerLayerKind, LayerError, Resources};
use crate::samples::{SETTINGS_RECORD, SampleTable, Settings, next_sample_from_records};
use crate::search::{Query, SearchOptions, SearchResults, Snapshot};

/// An exact index of the k-mers of many samples, in a storage of its own.
///
/// All methods take `&self` and may be called from many threads; searches never wait for anything that writes.
/// Samples being added at the same time are counted side by side and committed one after the other.
pub struct SequenceIndex {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) set: LayeredSet<KmerLayerKind>,
    pub(super) settings: Settings,
    /// As of the last commit; replaced while `writer` is held.
    pub(super) samples: RwLock<Arc<SampleTable>>,
    /// Held from choosing a sample's id to its commit, and as a sample is removed.
    pub(super) writer: Mutex<Writer>,
    /// Names of samples being counted, which nobody else may add.
    pub(super) pending: Mutex<BTreeSet<String>>,
    /// Whether workers merge, so that adding a sample need not.
    pub(super) background: AtomicBool,
    pub(super) resources: Arc<Resources>,
    pub(super) spills: Spills,
    /// Held while the layers of a bulk are merged, so that it is done once.
    pub(super) bulk_merge: Mutex<()>,
}

pub(super) struct Writer {
    /// Id of the next sample.
    pub(super) next_sample: u32,
}

impl std::fmt::Debug for SequenceIndex {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SequenceIndex")
            .field("place", &self.storage.describe(""))
            .field("settings", &self.settings)
            .field("samples", &self.samples.read().samples().len())
            .finish_non_exhaustive()
    }
}

impl SequenceIndex {
    /// Creates an index in an empty storage.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], settings that are not supported, and failures of the storage.
    pub fn create(
        storage: Arc<dyn Storage>,
        options: IndexOptions,
        set_options: SetOptions,
    ) -> Result<Self, Error> {
        let settings = options.settings()?;
        let (set, resources) = open_set(&storage, set_options)?;
        if set.current().record(SETTINGS_RECORD).is_some() {
            return Err(Error::AlreadyExists { place: storage.describe("") });
        }
        let mut edit = set.edit();
        edit.put_record(SETTINGS_RECORD, settings.to_bytes());
        edit.commit()?;
        let index = Self::from_set(storage, set, settings, resources)?;
        index.spills.clear()?;
        Ok(index)
    }

    /// Opens an index.
    ///
    /// # Errors
    /// [`Error::NoIndex`], damage to manifest or layers, a newer format, and failures of the storage.
    pub fn open(storage: Arc<dyn Storage>, set_options: SetOptions) -> Result<Self, Error> {
        let no_index = || Error::NoIndex { place: storage.describe("") };
        // Opening a set in an empty storage would begin one there.
        if storage.list("manifest").map_err(stroma_strata::Error::from)?.is_empty()
            && storage.list("layers").map_err(stroma_strata::Error::from)?.is_empty()
        {
            return Err(no_index());
        }
        let (set, resources) = open_set(&storage, set_options)?;
        let index = Self::from_opened(storage, set, resources)?;
        index.spills.clear()?;
        Ok(index)
    }

    /// Opens an index to search it, as it is now, beside whoever may write it: it takes no lock and changes nothing.
    /// Samples that are added later are not seen.
    ///
    /// # Errors
    /// As [`SequenceIndex::open`]. Adding, removing and merging fail.
    pub fn open_read_only(storage: Arc<dyn Storage>, set_options: SetOptions) -> Result<Self, Error> {
        let BuildResources { threads, memory_bytes } = BuildResources::default();
        let resources = Arc::new(Resources::new(threads, memory_bytes));
        let kind = KmerLayerKind { resources: resources.clone() };
        let opened = LayeredSet::open_read_only(storage.clone(), kind, set_options, None);
        let (set, _) = opened.map_err(|error| match error {
            stroma_strata::Error::NoSet { place } => Error::NoIndex { place },
            other => other.into(),
        })?;
        Self::from_opened(storage, set, resources)
    }

    fn from_opened(
        storage: Arc<dyn Storage>,
        set: LayeredSet<KmerLayerKind>,
        resources: Arc<Resources>,
    ) -> Result<Self, Error> {
        let no_index = || Error::NoIndex { place: storage.describe("") };
        let version = set.current();
        let settings = Settings::from_bytes(version.record(SETTINGS_RECORD).ok_or_else(no_index)?)?;
        for layer in version.layers() {
            let (found, expected) = (layer.layer().geometry(), settings.geometry);
            if found != expected || layer.layer().levels() != settings.levels() {
                let place = storage.describe(&layer.descriptor().blob_name());
                return Err(LayerError::Mismatch { place, expected, found }.into());
            }
        }
        Self::from_set(storage, set, settings, resources)
    }

    fn from_set(
        storage: Arc<dyn Storage>,
        set: LayeredSet<KmerLayerKind>,
        settings: Settings,
        resources: Arc<Resources>,
    ) -> Result<Self, Error> {
        let version = set.current();
        let samples = SampleTable::from_records(version.records())?;
        let after_last = samples.samples().last().map_or(0, |sample| sample.id.saturating_add(1));
        let next_sample = next_sample_from_records(version.records())?.max(after_last);
        let spills = Spills::new(storage.clone());
        Ok(SequenceIndex {
            storage,
            set,
            settings,
            samples: RwLock::new(Arc::new(samples)),
            writer: Mutex::new(Writer { next_sample }),
            pending: Mutex::default(),
            background: AtomicBool::new(false),
            resources,
            spills,
            bulk_merge: Mutex::default(),
        })
    }

    /// k and partitions of the index.
    pub fn geometry(&self) -> Geometry {
        self.settings.geometry
    }

    /// How often a k-mer must occur in a sample to be in the index.
    pub fn minimum_count(&self) -> u32 {
        self.settings.minimum_count
    }

    /// Whether it is kept how often each k-mer occurs in each sample.
    pub fn keeps_abundances(&self) -> bool {
        self.settings.abundances
    }

    /// Sets what building and merging may take from now on.
    pub fn set_resources(&self, resources: BuildResources) {
        self.resources.set(resources.threads, resources.memory_bytes);
    }

    /// Chooses which layers are made cold from now on: [`ColdLayers::Automatic`] as long as nobody chooses.
    pub fn set_cold_layers(&self, cold_layers: ColdLayers) {
        self.resources.set_cold_layers(cold_layers);
    }

    /// The samples in the index, in the order in which they were added.
    pub fn samples(&self) -> Vec<SampleInfo> {
        self.samples.read().samples().iter().map(|sample| sample.info.clone()).collect()
    }

    /// One sample of the index.
    pub fn sample(&self, name: &str) -> Option<SampleInfo> {
        let samples = self.samples.read();
        let rank = samples.rank_of(samples.id_of(name)?)?;
        Some(samples.samples()[rank].info.clone())
    }

    /// Searches for any number of queries, streamed: results come in the order of the queries, which are read in
    /// batches as results are taken. Samples added or removed after this call are not seen.
    ///
    /// Time: for each distinct k-mer of a query one look-up in each layer, O(1).
    ///
    /// # Errors
    /// [`Error::InvalidThreshold`], [`Error::NoAbundances`]. The iterator passes on errors of `queries`,
    /// and damage to a layer.
    pub fn search<I>(&self, queries: I, options: SearchOptions) -> Result<SearchResults<I::IntoIter>, Error>
    where
        I: IntoIterator<Item = Result<Query, Error>>,
    {
        SearchResults::new(self.snapshot(), queries.into_iter(), options)
    }

    /// Samples first: a sample that is added in between has k-mers but no name and is not seen at all; one that is
    /// removed in between may still be seen, or seen to hold nothing.
    fn snapshot(&self) -> Snapshot {
        let samples = self.samples.read().clone();
        let Settings { geometry, abundances, .. } = self.settings;
        Snapshot { version: self.set.current(), samples, geometry, abundances }
    }

    /// Merges all layers into one, which takes the least space and is searched fastest; a [cold](ColdLayers) one,
    /// unless it is small. What removed samples left behind is dropped.
    ///
    /// # Errors
    /// Damage to a layer, and failures of the storage; the index stays as it was.
    pub fn compact(&self) -> Result<(), Error> {
        self.set.merge_all()?;
        Ok(())
    }

    /// Writes the layers anew whose blobs `is_old` names, each by itself, and then the manifest: what is written is
    /// encrypted with the present key, if the storage encrypts.
    ///
    /// # Errors
    /// As [`compact`](Self::compact); what was written anew before stays so.
    pub fn rewrite(&self, is_old: impl Fn(&str) -> bool) -> Result<(), Error> {
        self.set.rewrite(|layer| is_old(&layer.descriptor().blob_name()))?;
        Ok(self.set.write_snapshot()?)
    }

    /// Lets workers merge layers in the background from now on, until [`close`](Self::close).
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start_background(&self, spawner: &dyn Spawner, threads: usize) -> Result<(), Error> {
        self.set.start_background(spawner, threads)?;
        self.background.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Ends background work and writes the manifest's snapshot. Dropping the index loses nothing either.
    ///
    /// # Errors
    /// Failures of the storage.
    pub fn close(self) -> Result<(), Error> {
        self.set.close()?;
        Ok(())
    }
}

/// Opens the layered set of an index, with what its merges may take.
fn open_set(
    storage: &Arc<dyn Storage>,
    options: SetOptions,
) -> Result<(LayeredSet<KmerLayerKind>, Arc<Resources>), Error> {
    let BuildResources { threads, memory_bytes } = BuildResources::default();
    let resources = Arc::new(Resources::new(threads, memory_bytes));
    let kind = KmerLayerKind { resources: resources.clone() };
    let (set, _) = LayeredSet::open(storage.clone(), kind, options)?;
    Ok((set, resources))
}
