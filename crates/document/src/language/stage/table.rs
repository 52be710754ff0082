//! The table of stages by name, and what a stage is.

use super::context::{DocumentStream, RunSite, StageContext};
use crate::error::{Error, Result};
use bson::{Bson, Document};
use std::fmt::Debug;
use std::sync::Arc;

/// A parsed stage.
pub trait Stage: Debug + Send + Sync {
    /// Its name with the dollar.
    fn name(&self) -> &'static str;

    /// Turns a stream of documents into another.
    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream>;

    /// The filter, if it is a `$match`.
    fn filter(&self) -> Option<&Document> {
        None
    }

    /// The number, if it is a `$limit`.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// The order, if it is a `$sort`.
    fn order(&self) -> Option<&Document> {
        None
    }

    /// A form of the stage that yields no more than some documents, if it can save work by that.
    fn limited(&self, count: usize) -> Option<Arc<dyn Stage>> {
        let _ = count;
        None
    }
}

type Parse = fn(&Bson, &StageContext) -> Result<Arc<dyn Stage>>;

const STAGES: &[(&str, Parse)] = &[
    ("$addFields", |argument, context| super::add_fields::parse("$addFields", argument, context)),
    ("$set", |argument, context| super::add_fields::parse("$set", argument, context)),
    ("$bucket", super::bucket::parse),
    ("$count", super::count::parse),
    ("$facet", super::facet::parse),
    ("$group", super::group::parse),
    ("$limit", super::limit::parse),
    ("$lookup", super::lookup::parse),
    ("$match", super::match_stage::parse),
    ("$project", super::project::parse),
    ("$unset", super::project::parse_unset),
    ("$replaceRoot", |argument, context| super::replace_root::parse("$replaceRoot", argument, context)),
    ("$replaceWith", |argument, context| super::replace_root::parse("$replaceWith", argument, context)),
    ("$sample", super::sample::parse),
    ("$skip", super::skip::parse),
    ("$sort", super::sort::parse),
    ("$sortByCount", super::sort_by_count::parse),
    ("$documents", super::documents::parse),
    ("$unionWith", super::union_with::parse),
    ("$unwind", super::unwind::parse),
];

/// Stages that MongoDB has and this crate does not.
const UNSUPPORTED: &[&str] = &[
    "$bucketAuto",
    "$changeStream",
    "$changeStreamSplitLargeEvent",
    "$collStats",
    "$currentOp",
    "$densify",
    "$fill",
    "$geoNear",
    "$graphLookup",
    "$indexStats",
    "$listLocalSessions",
    "$listSearchIndexes",
    "$listSessions",
    "$merge",
    "$out",
    "$planCacheStats",
    "$redact",
    "$search",
    "$searchMeta",
    "$setWindowFields",
    "$vectorSearch",
];

/// Whether MongoDB has a stage of this name.
pub(crate) fn is_known(name: &str) -> bool {
    STAGES.iter().any(|(candidate, _)| *candidate == name) || UNSUPPORTED.contains(&name)
}

pub(super) fn parse(name: &str, argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    if let Some((_, parse)) = STAGES.iter().find(|(candidate, _)| *candidate == name) {
        return parse(argument, context);
    }
    if UNSUPPORTED.contains(&name) {
        return Err(Error::unsupported(format!("the aggregation stage {name}")));
    }
    Err(Error::location(40324, format!("Unrecognized pipeline stage name: '{name}'")))
}
