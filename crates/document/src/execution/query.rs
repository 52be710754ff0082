//! A filter made ready to run: parsed, planned, checked against each candidate.

use std::sync::Arc;

use bson::Document;

use super::{Candidates, Counters, Found};
use crate::documents::Inner;
use crate::error::Result;
use crate::language::expression::{ParseScope, Variables};
use crate::language::matcher::{MatchDetails, Matcher};
use crate::namespace::Namespace;
use crate::planner::{Hint, Plan, plan};
use crate::record::Reader;

/// A filter with what it was parsed from and the variables it may use. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    filter: Arc<Document>,
    pub(crate) matcher: Arc<Matcher>,
    pub(crate) variables: Arc<Variables>,
}

impl Query {
    /// Parses a filter. `constants` are the variables that `let` gives, already values.
    pub(crate) fn parse(inner: &Inner, filter: &Document, constants: &Document) -> Result<Query> {
        let mut variables = Variables::at(inner.now());
        for (name, value) in constants {
            variables.set(name, value.clone());
        }
        let scope = ParseScope::with_names(constants.keys().map(String::as_str));
        let matcher = Matcher::parse_in(filter, &scope)?;
        Ok(Query {
            filter: Arc::new(filter.clone()),
            matcher: Arc::new(matcher),
            variables: Arc::new(variables),
        })
    }

    /// Whether a document matches.
    pub(crate) fn matches(&self, document: &Document) -> Result<bool> {
        self.matcher.matches_with(document, &self.variables)
    }

    /// Whether a document matches, and by which array element.
    pub(crate) fn details(&self, document: &Document) -> Result<Option<MatchDetails>> {
        self.matcher.match_details(document, &self.variables)
    }

    /// The names of the variables.
    pub(crate) fn scope(&self) -> ParseScope {
        ParseScope::with_names(self.variables.names())
    }

    /// Plans the query on the collection as `reader` sees it.
    pub(crate) fn plan<'r>(
        &self,
        inner: &Inner,
        reader: &impl Reader<'r>,
        namespace: &Namespace,
        sort: Option<&Document>,
        hint: Option<&Hint>,
    ) -> Result<Plan> {
        let entry = inner.catalog.find(reader, namespace)?;
        plan(entry, &self.matcher, &self.filter, sort, hint)
    }

    /// The documents that match, in the order the plan finds them.
    pub(crate) fn run<'r, R: Reader<'r>>(
        &self,
        reader: R,
        plan: &Plan,
        counters: Counters,
    ) -> Matching<'r, R> {
        Matching { candidates: Candidates::new(reader, plan, counters), query: self.clone() }
    }
}

/// The candidates that match.
pub(crate) struct Matching<'r, R: Reader<'r>> {
    candidates: Candidates<'r, R>,
    query: Query,
}

impl<'r, R: Reader<'r>> Iterator for Matching<'r, R> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = match self.candidates.next()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            match self.query.matches(&found.document) {
                Ok(true) => return Some(Ok(found)),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
