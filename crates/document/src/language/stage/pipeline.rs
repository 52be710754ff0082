//! A pipeline: a source, if it brings its own, and stages that pass documents on.

use super::context::{DocumentStream, PipelineContext, RunSite, StageContext};
use super::table::{self, Stage};
use crate::error::{Error, Result};
use crate::language::expression::Variables;
use bson::{Bson, Document};
use std::sync::Arc;

/// How many stages a pipeline may have, as in MongoDB.
const MAX_STAGES: usize = 1000;

/// A parsed aggregation pipeline. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    source: Option<(String, Bson)>,
    stages: Vec<Arc<dyn Stage>>,
}

impl Pipeline {
    /// Parses a pipeline.
    pub fn parse(stages: &[Document], context: &StageContext) -> Result<Pipeline> {
        if stages.len() > MAX_STAGES {
            let message = format!("Pipeline length must be no longer than {MAX_STAGES} stages");
            return Err(Error::failed_to_parse(message));
        }
        let mut pipeline = Pipeline::default();
        for (place, stage) in stages.iter().enumerate() {
            let Some((name, argument)) = stage.iter().next().filter(|_| stage.len() == 1) else {
                let message = "A pipeline stage specification object must contain exactly one field.";
                return Err(Error::location(40323, message));
            };
            if context.is_source(name) {
                if place > 0 {
                    return Err(Error::location(
                        40602,
                        format!("{name} is only valid as the first stage in a pipeline"),
                    ));
                }
                pipeline.source = Some((name.clone(), argument.clone()));
                continue;
            }
            if name == "$documents" && place > 0 {
                return Err(Error::location(
                    40602,
                    "$documents is only valid as the first stage in a pipeline",
                ));
            }
            pipeline.stages.push(table::parse(name, argument, context)?);
        }
        pipeline.push_limits_into_sorts();
        Ok(pipeline)
    }

    /// As [`Pipeline::parse`], from an array as it stands in a command.
    pub fn parse_array(stages: &[Bson], context: &StageContext) -> Result<Pipeline> {
        let stages = stages.iter().map(|stage| {
            let wrong = || Error::type_mismatch("Each element of the 'pipeline' array must be an object");
            stage.as_document().cloned().ok_or_else(wrong)
        });
        Pipeline::parse(&stages.collect::<Result<Vec<_>>>()?, context)
    }

    /// A `$sort` with a `$limit` right after it keeps no more than that.
    fn push_limits_into_sorts(&mut self) {
        for at in 0..self.stages.len() {
            if self.stages[at].order().is_none() {
                continue;
            }
            if let Some(count) = self.stages.get(at + 1).and_then(|next| next.limit())
                && let Some(limited) = self.stages[at].limited(count)
            {
                self.stages[at] = limited;
            }
        }
    }

    /// The source stage and its argument, if the pipeline starts with one.
    pub fn source(&self) -> Option<(&str, &Bson)> {
        self.source.as_ref().map(|(name, argument)| (name.as_str(), argument))
    }

    /// The stages in their order, without the source.
    pub fn stages(&self) -> &[Arc<dyn Stage>] {
        &self.stages
    }

    /// Whether documents of a collection flow in at all: not if the pipeline starts with a source.
    pub fn reads_collection(&self) -> bool {
        self.source.is_none() && self.stages.first().is_none_or(|stage| stage.name() != "$documents")
    }

    /// Takes the filter off that the pipeline starts with, so that it can be answered by an index.
    pub fn split_leading_filter(mut self) -> (Option<Document>, Pipeline) {
        if self.source.is_some() {
            return (None, self);
        }
        let count = self.stages.iter().take_while(|stage| stage.filter().is_some()).count();
        let mut filters: Vec<Document> =
            self.stages.drain(..count).filter_map(|stage| stage.filter().cloned()).collect();
        let filter = if filters.len() > 1 {
            filters.retain(|filter| !filter.is_empty());
            (!filters.is_empty()).then(|| bson::doc! {"$and": filters})
        } else {
            filters.pop()
        };
        (filter, self)
    }

    /// The order that the pipeline starts with (after its filter was taken off), for a planner.
    pub fn leading_order(&self) -> Option<&Document> {
        self.stages.first().filter(|_| self.source.is_none()).and_then(|stage| stage.order())
    }

    /// Takes the first stage off; for a planner that answers [`Pipeline::leading_order`] by an index.
    pub fn without_first_stage(mut self) -> Pipeline {
        if !self.stages.is_empty() {
            self.stages.remove(0);
        }
        self
    }

    /// Runs the pipeline on documents; those are dropped if it starts with a source. Nothing is read before
    /// the first document is pulled, save that a source is opened.
    pub fn run(
        &self,
        input: DocumentStream,
        context: Arc<dyn PipelineContext>,
        variables: Variables,
    ) -> Result<DocumentStream> {
        self.run_at(input, &RunSite { context, variables: Arc::new(variables) })
    }

    pub(super) fn run_at(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let input = match &self.source {
            None => input,
            Some((name, argument)) => site.context.open_source(name, argument)?,
        };
        self.stages.iter().try_fold(input, |stream, stage| stage.run(stream, site))
    }

    /// Runs the pipeline on a collection: its leading filter is left to the context.
    pub(super) fn run_on(&self, collection: &str, site: &RunSite) -> Result<DocumentStream> {
        if !self.reads_collection() {
            return self.run_at(Box::new(std::iter::empty()), site);
        }
        let mut stages = self.stages.as_slice();
        let mut filter = None;
        if let [first, rest @ ..] = stages
            && let Some(leading) = first.filter()
            && site.variables.names().next().is_none()
        {
            filter = Some(leading);
            stages = rest;
        }
        let input = site.context.find(collection, filter)?;
        stages.iter().try_fold(input, |stream, stage| stage.run(stream, site))
    }
}
