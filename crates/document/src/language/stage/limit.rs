//! `$limit`: passes on the first documents.

use super::context::{DocumentStream, RunSite, StageContext};
use super::table::Stage;
use crate::error::{Error, Result};
use crate::language::value::{Number, describe};
use bson::Bson;
use std::sync::Arc;

#[derive(Debug)]
struct Limit(usize);

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let given = whole("$limit", 5107201, argument)?;
    if given < 0 {
        return Err(Error::location(
            5107201,
            format!("invalid argument to $limit stage: Expected a non-negative number in: $limit: {given}"),
        ));
    }
    if given == 0 {
        return Err(Error::location(15958, "the limit must be positive"));
    }
    Ok(Arc::new(Limit(usize::try_from(given).unwrap_or(usize::MAX))))
}

/// The integer that `$limit` and `$skip` take.
pub(super) fn whole(name: &str, code: i32, argument: &Bson) -> Result<i64> {
    Number::of(argument).and_then(Number::to_i64_exact).ok_or_else(|| {
        let given = describe(argument);
        Error::location(
            code,
            format!("invalid argument to {name} stage: Expected an integer: {name}: {given}"),
        )
    })
}

impl Stage for Limit {
    fn name(&self) -> &'static str {
        "$limit"
    }

    fn run(&self, input: DocumentStream, _: &RunSite) -> Result<DocumentStream> {
        Ok(Box::new(input.take(self.0)))
    }

    fn limit(&self) -> Option<usize> {
        Some(self.0)
    }
}
