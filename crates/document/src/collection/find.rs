//! `find`: the documents that match, in the order and shape asked for.

use std::sync::Arc;

use bson::Document;

use super::Collection;
use super::shape::Shape;
use crate::cursor::Cursor;
use crate::error::Result;
use crate::execution::{Counters, Found, Matching, Query, SortLimit, sort};
use crate::language::sort::SortPattern;
use crate::planner::{Hint, Plan};
use crate::record::Reader;
use crate::store::ReadView;

/// A query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Find {
    /// Which documents.
    pub filter: Document,
    /// Which of their fields; all if none.
    pub projection: Option<Document>,
    /// In which order; that of the plan if none.
    pub sort: Option<Document>,
    /// How many of the first to leave out.
    pub skip: u64,
    /// How many to give at most; all if none.
    pub limit: Option<u64>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables for `$expr`, already values.
    pub constants: Document,
}

impl Find {
    /// The documents that match `filter`.
    pub fn new(filter: Document) -> Find {
        Find { filter, ..Find::default() }
    }

    /// In this order.
    #[must_use]
    pub fn sorted(mut self, sort: Document) -> Find {
        self.sort = Some(sort);
        self
    }

    /// Only these fields.
    #[must_use]
    pub fn projected(mut self, projection: Document) -> Find {
        self.projection = Some(projection);
        self
    }

    /// Without the first `skip`.
    #[must_use]
    pub fn skipping(mut self, skip: u64) -> Find {
        self.skip = skip;
        self
    }

    /// At most `limit`.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Find {
        self.limit = Some(limit);
        self
    }

    /// By this index.
    #[must_use]
    pub fn hinted(mut self, hint: Hint) -> Find {
        self.hint = Some(hint);
        self
    }
}

/// A query that is planned on a snapshot and ready to run.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) query: Query,
    pub(super) plan: Plan,
    /// The sort as it was asked for; none for none or for the natural order.
    pub(super) sort_document: Option<Document>,
    pub(super) sort: Option<SortPattern>,
    pub(super) view: Arc<dyn ReadView>,
}

impl Collection {
    /// Runs a query. Nothing is held but the snapshot, unless the documents have to be sorted in memory.
    ///
    /// # Errors
    /// What is wrong with the query (`BadValue`, `FailedToParse`, ...); any error of the store. A sort that
    /// no index serves fails beyond its budget of memory (292).
    pub fn find(&self, find: &Find) -> Result<Cursor> {
        let prepared = self.prepare(find)?;
        let shape = Shape::of(find, &prepared.query)?;
        let found = self.run(&prepared, find.skip, find.limit, Counters::default())?;
        Ok(Box::new(found.map(move |found| shape.apply(found?.document))))
    }

    /// Parses and plans a query on a snapshot of now.
    pub(super) fn prepare(&self, find: &Find) -> Result<Prepared> {
        self.prepare_on(self.inner.store.snapshot()?, find)
    }

    /// Parses and plans a query on a snapshot.
    pub(super) fn prepare_on(&self, view: Arc<dyn ReadView>, find: &Find) -> Result<Prepared> {
        let query = Query::parse(&self.inner, &find.filter, &find.constants)?;
        let sort = find.sort.as_ref().filter(|sort| !sort.is_empty());
        let pattern =
            sort.filter(|sort| !sort.contains_key("$natural")).map(SortPattern::parse).transpose()?;
        let natural = sort.filter(|_| pattern.is_none()).and_then(|sort| sort.get("$natural"));
        let natural =
            natural.map(|order| Hint::parse(&bson::bson!({ "$natural": order.clone() }))).transpose()?;
        let hint = natural.as_ref().or(find.hint.as_ref());
        let order = sort.filter(|_| pattern.is_some());
        let plan = query.plan(&self.inner, &view, &self.namespace, order, hint)?;
        Ok(Prepared { query, plan, sort_document: order.cloned(), sort: pattern, view })
    }

    /// The matching documents in order, without the first `skip` and at most `limit`.
    pub(super) fn run(
        &self,
        prepared: &Prepared,
        skip: u64,
        limit: Option<u64>,
        counters: Counters,
    ) -> Result<Box<dyn Iterator<Item = Result<Found>> + Send>> {
        self.inner.index_uses.count(&prepared.plan);
        let found = ordered(self, prepared, Arc::clone(&prepared.view), skip, limit, counters)?;
        let most = limit.map_or(usize::MAX, to_usize);
        Ok(Box::new(found.skip(to_usize(skip)).take(most)))
    }
}

/// The matching documents in order, as far as `skip` and `limit` need them.
pub(super) fn ordered<'r, R: Reader<'r>>(
    collection: &Collection,
    prepared: &Prepared,
    reader: R,
    skip: u64,
    limit: Option<u64>,
    counters: Counters,
) -> Result<Ordered<'r, R>> {
    let found = prepared.query.run(reader, &prepared.plan, counters);
    match &prepared.sort {
        Some(pattern) if !prepared.plan.is_sorted => {
            let sort_limit = SortLimit {
                first: limit.map(|limit| to_usize(limit.saturating_add(skip))),
                memory_bytes: collection.inner.options.sort_memory_bytes,
            };
            Ok(Ordered::Sorted(sort(found, pattern, sort_limit)?.into_iter()))
        }
        _ => Ok(Ordered::AsFound(found)),
    }
}

/// Documents in the order asked for: as the plan finds them, or sorted in memory.
pub(super) enum Ordered<'r, R: Reader<'r>> {
    AsFound(Matching<'r, R>),
    Sorted(std::vec::IntoIter<Found>),
}

impl<'r, R: Reader<'r>> Iterator for Ordered<'r, R> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Ordered::AsFound(found) => found.next(),
            Ordered::Sorted(found) => found.next().map(Ok),
        }
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
