//! `$project` and `$unset`: each document through a projection.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage, unset};
use crate::error::{Error, Result};
use crate::language::matcher::MatchDetails;
use crate::language::projection::Projection;
use bson::Bson;
use std::sync::Arc;

#[derive(Debug)]
struct Project {
    name: &'static str,
    projection: Arc<Projection>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(specification) = argument else {
        return Err(Error::location(15969, "$project specification must be an object"));
    };
    let projection = Arc::new(Projection::parse_stage(specification, context.scope())?);
    Ok(Arc::new(Project { name: "$project", projection }))
}

pub(super) fn parse_unset(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    Ok(Arc::new(Project { name: "$unset", projection: Arc::new(unset::parse(argument)?) }))
}

impl Stage for Project {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (projection, variables) = (Arc::clone(&self.projection), Arc::clone(&site.variables));
        Ok(stream::map(input, move |document| {
            projection.apply_with(&document, &variables, MatchDetails::default())
        }))
    }
}
