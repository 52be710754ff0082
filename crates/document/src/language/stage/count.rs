//! `$count`: one document with the number of documents; none if there are none.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Count(String);

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::String(name) = argument else {
        return Err(Error::location(40156, "the count field must be a non-empty string"));
    };
    if name.is_empty() {
        return Err(Error::location(40156, "the count field must be a non-empty string"));
    }
    if name.starts_with('$') {
        return Err(Error::location(40158, "the count field cannot be a $-prefixed path"));
    }
    if name.contains('.') {
        return Err(Error::location(40160, "the count field cannot contain '.'"));
    }
    if name.contains('\0') {
        return Err(Error::location(40159, "the count field cannot contain a null byte"));
    }
    Ok(Arc::new(Count(name.clone())))
}

impl Stage for Count {
    fn name(&self) -> &'static str {
        "$count"
    }

    fn run(&self, input: DocumentStream, _: &RunSite) -> Result<DocumentStream> {
        let name = self.0.clone();
        Ok(stream::deferred(move || {
            let mut count: i64 = 0;
            for document in input {
                document?;
                count += 1;
            }
            let value = i32::try_from(count).map_or(Bson::Int64(count), Bson::Int32);
            let counted: Option<Document> = (count > 0).then(|| [(name, value)].into_iter().collect());
            Ok(Box::new(counted.into_iter().map(Ok)))
        }))
    }
}
