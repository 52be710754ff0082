//! What a command has at hand: the server, its connection, its generic fields.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Collection, Cursor, Documents, Error, Namespace, Result};

use crate::connection::Info;
use crate::cursors::{FIRST_BATCH, OpenCursor, Opening};
use crate::operations::Operation;
use crate::request::{Arguments, Generic};
use crate::server::State;

/// What a command has at hand.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a State,
    pub(crate) connection: Info,
    pub(crate) generic: &'a Generic,
    pub(crate) operation: &'a Operation,
}

/// How a client wants results in its first batch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FirstBatch {
    /// How many documents; 101 if it does not say.
    pub(crate) size: Option<u64>,
    /// Whether nothing shall be left open after it.
    pub(crate) is_only: bool,
    /// Whether the cursor is kept however long nobody reads from it.
    pub(crate) is_kept: bool,
}

impl FirstBatch {
    /// Reads the `cursor` option of a command that lists things.
    pub(crate) fn read(arguments: &mut Arguments) -> Result<FirstBatch> {
        let fields = arguments.document("cursor")?.unwrap_or_default();
        let mut cursor = Arguments::new(format!("{}.cursor", arguments.path()), fields);
        let first = FirstBatch { size: cursor.count("batchSize")?, ..FirstBatch::default() };
        cursor.finish()?;
        Ok(first)
    }
}

impl Context<'_> {
    /// The handle on all databases.
    pub(crate) fn documents(&self) -> &Documents {
        &self.state.documents
    }

    /// The collection that a command names in its first field.
    ///
    /// # Errors
    /// `InvalidNamespace` (73).
    pub(crate) fn namespace(&self, target: &Bson) -> Result<Namespace> {
        match target {
            Bson::String(collection) => Namespace::new(&self.generic.database, collection),
            _ => Err(Error::new(
                Code::InvalidNamespace,
                "Failed to parse namespace element: the collection's name must be a string",
            )),
        }
    }

    /// That collection, with the durability that the command asks for.
    ///
    /// # Errors
    /// `InvalidNamespace` (73).
    pub(crate) fn collection(&self, target: &Bson) -> Result<Collection> {
        let namespace = self.namespace(target)?;
        Ok(self.documents().collection(&namespace).synced(self.generic.is_synced))
    }

    /// Makes a change of the catalog survive a crash of the machine, if the command asks for it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn settle(&self) -> Result<()> {
        if self.generic.is_synced { self.documents().sync() } else { Ok(()) }
    }

    /// The first batch of `stream`, with the id under which the rest is to be had.
    ///
    /// # Errors
    /// The stream's; that the command was killed or took too long.
    pub(crate) fn first_batch(
        &self,
        namespace: String,
        stream: Cursor,
        first: FirstBatch,
    ) -> Result<Document> {
        let mut cursor = OpenCursor::new(stream);
        let most = first.size.map_or(FIRST_BATCH, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let batch = cursor.batch(most, self.operation)?;
        let id = if batch.is_last || first.is_only {
            0
        } else {
            let session = self.generic.session.clone();
            let opening = Opening { namespace: namespace.clone(), session, is_kept: first.is_kept };
            self.state.cursors.open(opening, cursor)
        };
        Ok(doc! {"cursor": {"firstBatch": batch.documents, "id": id, "ns": namespace}})
    }
}
