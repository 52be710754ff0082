//! `$match`: passes on the documents that match a filter.

use super::context::{DocumentStream, RunSite, StageContext};
use super::table::Stage;
use crate::error::{Error, Result};
use crate::language::matcher::Matcher;
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Match {
    filter: Document,
    matcher: Arc<Matcher>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(filter) = argument else {
        return Err(Error::location(15959, "the match filter must be an expression in an object"));
    };
    let matcher = Arc::new(Matcher::parse_in(filter, context.scope())?);
    Ok(Arc::new(Match { filter: filter.clone(), matcher }))
}

impl Stage for Match {
    fn name(&self) -> &'static str {
        "$match"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (matcher, variables) = (Arc::clone(&self.matcher), Arc::clone(&site.variables));
        Ok(Box::new(input.filter_map(move |document| match document {
            Err(error) => Some(Err(error)),
            Ok(document) => match matcher.matches_with(&document, &variables) {
                Ok(true) => Some(Ok(document)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            },
        })))
    }

    fn filter(&self) -> Option<&Document> {
        Some(&self.filter)
    }
}
