//! What becomes of a found document before it is given out.

use std::sync::Arc;

use bson::Document;

use super::Find;
use crate::error::Result;
use crate::execution::Query;
use crate::language::expression::Variables;
use crate::language::matcher::MatchDetails;
use crate::language::projection::Projection;

/// A projection with what it needs; or none, and documents stay as they are.
pub(super) struct Shape {
    projection: Option<Projection>,
    /// Set if the projection asks which array element matched.
    positional: Option<Query>,
    variables: Arc<Variables>,
}

impl Shape {
    pub(super) fn of(find: &Find, query: &Query) -> Result<Shape> {
        let projection = find.projection.as_ref().filter(|projection| !projection.is_empty());
        let projection =
            projection.map(|projection| Projection::parse_in(projection, &query.scope())).transpose()?;
        let is_positional = projection.as_ref().is_some_and(Projection::is_positional);
        Ok(Shape {
            projection,
            positional: is_positional.then(|| query.clone()),
            variables: Arc::clone(&query.variables),
        })
    }

    pub(super) fn apply(&self, document: Document) -> Result<Document> {
        let Some(projection) = &self.projection else { return Ok(document) };
        let details = match &self.positional {
            Some(query) => query.details(&document)?.unwrap_or_default(),
            None => MatchDetails::default(),
        };
        projection.apply_with(&document, &self.variables, details)
    }
}
