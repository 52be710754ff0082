//! `$sortByCount`: groups by an expression and puts the largest groups first.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{group, sort, table::Stage};
use crate::error::{Error, Result};
use bson::{Bson, doc};
use std::sync::Arc;

#[derive(Debug)]
struct SortByCount {
    group: Arc<dyn Stage>,
    sort: Arc<dyn Stage>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    match argument {
        Bson::Document(expression) if !expression.keys().next().is_some_and(|name| name.starts_with('$')) => {
            return Err(Error::location(
                40147,
                "the sortByCount field must be defined as an expression inside an object",
            ));
        }
        Bson::String(path) if !path.starts_with('$') => {
            return Err(Error::location(
                40148,
                "the sortByCount field must be defined as a $-prefixed path or an expression inside \
                    an object",
            ));
        }
        Bson::Document(_) | Bson::String(_) => {}
        _ => {
            return Err(Error::location(
                40149,
                "the sortByCount field must be defined as a $-prefixed path or an expression inside \
                    an object",
            ));
        }
    }
    let group = group::parse(&Bson::Document(doc! {"_id": argument, "count": {"$sum": 1}}), context)?;
    let sort = sort::parse(&Bson::Document(doc! {"count": -1}), context)?;
    Ok(Arc::new(SortByCount { group, sort }))
}

impl Stage for SortByCount {
    fn name(&self) -> &'static str {
        "$sortByCount"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        self.sort.run(self.group.run(input, site)?, site)
    }
}
