//! Runs aggregation pipelines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::{Bson, Document};

use super::{Collection, Find};
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::execution::Counters;
use crate::language::expression::{ParseScope, Variables};
use crate::language::stage::{DocumentStream, Pipeline, PipelineContext, StageContext};
use crate::planner::Hint;
use crate::store::ReadView;

/// A pipeline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aggregate {
    /// The stages.
    pub pipeline: Vec<Document>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables, already values.
    pub constants: Document,
}

impl Aggregate {
    /// These stages.
    pub fn new(pipeline: Vec<Document>) -> Aggregate {
        Aggregate { pipeline, ..Aggregate::default() }
    }

    fn parse(&self, collection: &Collection) -> Result<Pipeline> {
        let scope = ParseScope::with_names(self.constants.keys().map(String::as_str));
        let sources: Vec<String> = collection.inner.source_stages.read().keys().cloned().collect();
        Pipeline::parse(&self.pipeline, &StageContext::new(scope).with_source_stages(sources))
    }

    /// The find that feeds the pipeline, by its leading filter and order, and the stages that are left.
    fn split(&self, pipeline: Pipeline) -> (Find, Pipeline) {
        let (filter, rest) = pipeline.split_leading_filter();
        let find = Find {
            filter: filter.unwrap_or_default(),
            sort: rest.leading_order().cloned(),
            hint: self.hint.clone(),
            constants: self.constants.clone(),
            ..Find::default()
        };
        (find, rest)
    }
}

impl Collection {
    /// Runs a pipeline over the collection, in one snapshot, `$lookup`s included. A leading `$match` and
    /// `$sort` are left to an index where one serves them. Documents stream through; stages that need all of
    /// them (`$group`, `$sort`, ...) hold them, within a budget of memory.
    ///
    /// # Errors
    /// What is wrong with the pipeline; any error of the store.
    pub fn aggregate(&self, aggregate: &Aggregate) -> Result<Cursor> {
        let pipeline = aggregate.parse(self)?;
        let mut variables = Variables::at(self.inner.now());
        for (name, value) in &aggregate.constants {
            variables.set(name, value.clone());
        }
        if !pipeline.reads_collection() {
            let site = Site::new(self, self.inner.store.snapshot()?);
            return pipeline.run(Box::new(std::iter::empty()), Arc::new(site), variables);
        }
        let (find, mut rest) = aggregate.split(pipeline);
        let mut prepared = self.prepare(&find)?;
        if prepared.sort.take().is_some() && prepared.plan.is_sorted {
            rest = rest.without_first_stage();
        }
        let found = self.run(&prepared, 0, None, Counters::default())?;
        let input: DocumentStream = Box::new(found.map(|found| Ok(found?.document)));
        let site = Site::new(self, prepared.view);
        rest.run(input, Arc::new(site), variables)
    }

    /// The find that feeds the pipeline, for explain.
    pub(super) fn source_of(&self, aggregate: &Aggregate) -> Result<Find> {
        let pipeline = aggregate.parse(self)?;
        match pipeline.source() {
            Some((name, _)) => Err(Error::unsupported(format!("explaining the stage {name}"))),
            None => Ok(aggregate.split(pipeline).0),
        }
    }
}

/// What a running pipeline may reach: the other collections, in the snapshot of the first one.
struct Site {
    collection: Collection,
    view: Arc<dyn ReadView>,
    random: AtomicU64,
}

/// The golden ratio in 64 bits: the step of the generator below.
const RANDOM_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Site {
    fn new(collection: &Collection, view: Arc<dyn ReadView>) -> Site {
        let id = collection.inner.new_object_id().bytes();
        let seed =
            id.iter().fold(0_u64, |seed, byte| seed.rotate_left(8).wrapping_mul(31) ^ u64::from(*byte));
        Site { collection: collection.clone(), view, random: AtomicU64::new(seed) }
    }
}

impl PipelineContext for Site {
    fn find(&self, collection: &str, filter: Option<&Document>) -> Result<DocumentStream> {
        let other = self.collection.sibling(collection)?;
        let find = Find::new(filter.cloned().unwrap_or_default());
        let prepared = other.prepare_on(Arc::clone(&self.view), &find)?;
        let found = other.run(&prepared, 0, None, Counters::default())?;
        Ok(Box::new(found.map(|found| Ok(found?.document))))
    }

    fn open_source(&self, stage: &str, argument: &Bson) -> Result<DocumentStream> {
        let registered = self.collection.inner.source_stages.read().get(stage).cloned();
        match registered {
            Some(source) => source.open(argument, &self.collection),
            None => Err(Error::unsupported(format!("the aggregation stage {stage}"))),
        }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014), seeded anew by each pipeline.
    fn random(&self) -> u64 {
        let mut mixed = self.random.fetch_add(RANDOM_STEP, Ordering::Relaxed).wrapping_add(RANDOM_STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn memory_limit(&self) -> usize {
        self.collection.inner.options.sort_memory_bytes
    }
}
