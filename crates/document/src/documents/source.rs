//! Stages from outside of this crate that bring their own documents into a pipeline.

use std::sync::Arc;

use bson::{Bson, Document};

use super::Documents;
use crate::collection::Collection;
use crate::error::Result;

/// A stage that may stand first in a pipeline and brings its own documents.
///
/// It is the seam through which a search index enters the aggregation language: the stage finds keys in its
/// own index, looks the documents up in the collection and yields them with what it knows about them.
pub trait SourceStage: Send + Sync {
    /// Starts the stage for one pipeline.
    ///
    /// # Errors
    /// Whatever the client should see, such as an argument of the wrong shape.
    fn open(
        &self,
        argument: &Bson,
        collection: &Collection,
    ) -> Result<Box<dyn Iterator<Item = Result<Document>> + Send>>;
}

impl Documents {
    /// Makes `{name: argument}` a first stage of pipelines. `name` begins with `$`; a later registration
    /// under the same name replaces the earlier one.
    pub fn register_source_stage(&self, name: &str, stage: Arc<dyn SourceStage>) {
        self.inner.source_stages.write().insert(name.to_owned(), stage);
    }
}
