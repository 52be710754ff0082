//! What a pipeline needs from outside: collections for `$lookup`, source stages, randomness, limits.

use crate::error::{Code, Error, Result};
use crate::language::expression::{ParseScope, Variables};
use bson::{Bson, Document};
use std::sync::Arc;

/// A stream of documents, pulled one by one. After an error it is not pulled again.
pub type DocumentStream = Box<dyn Iterator<Item = Result<Document>> + Send>;

/// How many bytes a stage may hold if its context says nothing else.
pub const DEFAULT_MEMORY_LIMIT: usize = 100 << 20;

/// How deeply pipelines may nest in one another, as in MongoDB.
const MAX_SUB_PIPELINES: usize = 20;

/// What the surroundings lend to a running pipeline.
pub trait PipelineContext: Send + Sync {
    /// The documents of a collection of the same database that match a filter (all without one). An index
    /// may be used; a collection that is not there has no documents.
    fn find(&self, collection: &str, filter: Option<&Document>) -> Result<DocumentStream>;

    /// Opens a source stage that was named in [`StageContext::with_source_stages`].
    fn open_source(&self, stage: &str, argument: &Bson) -> Result<DocumentStream> {
        let _ = argument;
        Err(Error::unsupported(format!("the aggregation stage {stage}")))
    }

    /// The next random number, for `$sample`.
    fn random(&self) -> u64;

    /// How many bytes one stage may hold before it fails with code 292.
    fn memory_limit(&self) -> usize {
        DEFAULT_MEMORY_LIMIT
    }
}

/// What the parser of a pipeline knows: variables, and which stages bring their own documents.
#[derive(Debug, Clone, Default)]
pub struct StageContext {
    scope: ParseScope,
    sources: Arc<Vec<String>>,
    depth: usize,
}

impl StageContext {
    /// A context in which some variables (of a command's `let`) are known.
    pub fn new(scope: ParseScope) -> StageContext {
        StageContext { scope, ..StageContext::default() }
    }

    /// Adds the names of stages that may stand first and bring their own documents.
    #[must_use]
    pub fn with_source_stages(mut self, names: impl IntoIterator<Item = String>) -> StageContext {
        self.sources = Arc::new(names.into_iter().collect());
        self
    }

    /// The variables that are known.
    pub fn scope(&self) -> &ParseScope {
        &self.scope
    }

    pub(super) fn is_source(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source == name)
    }

    /// The context of a pipeline within a stage.
    pub(super) fn nested<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<StageContext> {
        if self.depth >= MAX_SUB_PIPELINES {
            let message =
                format!("Maximum number of nested sub-pipelines exceeded. Limit is {MAX_SUB_PIPELINES}");
            return Err(Error::new(Code::MaxSubPipelineDepthExceeded, message));
        }
        Ok(StageContext {
            scope: self.scope.plus(names),
            sources: Arc::clone(&self.sources),
            depth: self.depth + 1,
        })
    }
}

/// What a running stage has at hand.
#[derive(Clone)]
pub struct RunSite {
    /// The surroundings.
    pub context: Arc<dyn PipelineContext>,
    /// Time and variables.
    pub variables: Arc<Variables>,
}

impl RunSite {
    /// Fails if a stage holds more than it may.
    pub(super) fn check_memory(&self, stage: &str, used: usize) -> Result<()> {
        let limit = self.context.memory_limit();
        if used <= limit {
            return Ok(());
        }
        let message = format!(
            "Exceeded memory limit for {stage}: it holds {used} bytes, {limit} are allowed, and this \
             server does not \
             spill to disk. Filter or limit the documents before this stage."
        );
        Err(Error::new(Code::QueryExceededMemoryLimitNoDiskUseAllowed, message))
    }
}
