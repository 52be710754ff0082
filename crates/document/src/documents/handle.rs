//! The handle that everything starts from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use parking_lot::RwLock;

use super::object_id::ObjectIds;
use super::{Options, SourceStage};
use crate::catalog::{Catalog, check_or_write_format};
use crate::collection::{Collection, IndexUses};
use crate::error::Result;
use crate::namespace::Namespace;
use crate::store::{OrderedStore, StoreStatistics};

/// The most bytes of documents that one transaction takes on, whatever the store allows.
const MOST_CHUNK_BYTES: usize = 8 << 20;

/// All databases of one store. Cheap to clone; clones are the same handle.
#[derive(Clone)]
pub struct Documents {
    pub(crate) inner: Arc<Inner>,
}

/// What the clones share.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn OrderedStore>,
    pub(crate) options: Options,
    pub(crate) catalog: Catalog,
    pub(crate) source_stages: RwLock<BTreeMap<String, Arc<dyn SourceStage>>>,
    /// Transactions hold it shared; one that keeps meeting conflicts takes it alone, and so gets through.
    pub(crate) turn: RwLock<()>,
    /// How often queries have used each index, since `opened`.
    pub(crate) index_uses: IndexUses,
    pub(crate) opened: DateTime,
    object_ids: ObjectIds,
}

impl Inner {
    pub(crate) fn now(&self) -> DateTime {
        (self.options.wall_clock)()
    }

    /// How many bytes of documents one transaction takes on (one larger document is a chunk of its own).
    pub(crate) fn chunk_bytes(&self) -> usize {
        MOST_CHUNK_BYTES.min(self.store.limits().transaction_bytes / 2)
    }

    pub(crate) fn new_object_id(&self) -> ObjectId {
        self.object_ids.next(self.now())
    }
}

impl Documents {
    /// Opens the documents in `store`; an empty store becomes one of documents.
    ///
    /// Index builds that a crash interrupted are undone, unless the store is to be read only.
    ///
    /// # Errors
    /// `UnsupportedFormat` (12) if the store holds something else or a newer format; any error of the store.
    pub fn open(store: Arc<dyn OrderedStore>, options: Options) -> Result<Documents> {
        check_or_write_format(&*store)?;
        let object_ids = ObjectIds::new(options.object_id_process);
        let opened = (options.wall_clock)();
        let inner = Inner {
            store,
            options,
            catalog: Catalog::default(),
            source_stages: RwLock::default(),
            turn: RwLock::default(),
            index_uses: IndexUses::default(),
            opened,
            object_ids,
        };
        let documents = Documents { inner: Arc::new(inner) };
        if !documents.is_read_only() {
            crate::index::undo_unfinished_builds(&documents.inner)?;
        }
        Ok(documents)
    }

    /// A handle on one collection, which need not exist yet: the first insert creates it.
    pub fn collection(&self, namespace: &Namespace) -> Collection {
        Collection::new(Arc::clone(&self.inner), namespace.clone())
    }

    /// Whether nothing can be written: every change is `IllegalOperation` (20) then.
    pub fn is_read_only(&self) -> bool {
        self.inner.store.is_read_only()
    }

    /// Makes everything acknowledged so far survive a crash of the machine.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn sync(&self) -> Result<()> {
        Ok(self.inner.store.sync()?)
    }

    /// Sizes of the store that all databases share.
    pub fn store_statistics(&self) -> StoreStatistics {
        self.inner.store.statistics()
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Documents").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
