//! `$documents`: brings its own documents, given in the pipeline.

use super::context::{DocumentStream, RunSite, StageContext};
use super::table::Stage;
use crate::error::{Error, Result};
use crate::language::expression::Expression;
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Documents(Expression);

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    Ok(Arc::new(Documents(Expression::parse_in(argument, context.scope())?)))
}

impl Stage for Documents {
    fn name(&self) -> &'static str {
        "$documents"
    }

    fn run(&self, _: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let wrong = || Error::location(5858203, "$documents must be an array of objects");
        let Bson::Array(values) = self.0.evaluate(&Document::new(), &site.variables)? else {
            return Err(wrong());
        };
        Ok(Box::new(values.into_iter().map(move |value| match value {
            Bson::Document(document) => Ok(document),
            _ => Err(wrong()),
        })))
    }
}
