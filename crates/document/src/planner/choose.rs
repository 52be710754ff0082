//! Chooses among the ways through a collection.

use std::cmp::Reverse;
use std::sync::Arc;

use bson::{Bson, Document};

use super::candidate::{Candidate, Properties};
use super::hint::Hint;
use super::plan::{Access, Plan};
use super::predicate::Predicates;
use crate::catalog::CollectionEntry;
use crate::error::{Error, Result};
use crate::language::matcher::{Matcher, Test};
use crate::record::encode_id;
use crate::store::Direction;

/// Plans a query on a collection.
///
/// # Errors
/// `BadValue` (2) if `hint` names no index.
pub(crate) fn plan(
    entry: Option<Arc<CollectionEntry>>,
    matcher: &Matcher,
    filter: &Document,
    sort: Option<&Document>,
    hint: Option<&Hint>,
) -> Result<Plan> {
    let sort = sort.filter(|sort| !sort.is_empty());
    let Some(entry) = entry else {
        return Ok(Plan {
            entry: None,
            access: Access::Nothing,
            is_sorted: true,
            is_exact: true,
            considered: 1,
        });
    };
    let predicates = Predicates::of(matcher, filter);
    if let Some(Hint::Natural(is_forward)) = hint {
        let direction = if *is_forward { Direction::Forward } else { Direction::Backward };
        return Ok(collection_scan(entry, &predicates, sort, direction));
    }
    if hint.is_none()
        && let Some(plan) = by_id(&entry, &predicates)
    {
        return Ok(plan);
    }
    let hinted = hint.map(|hint| find_hinted(&entry, hint)).transpose()?;
    let mut considered = 0;
    let mut best: Option<Candidate> = None;
    for properties in all_indexes(&entry) {
        if hinted.as_ref().is_some_and(|hinted| hinted.index != properties.index) {
            continue;
        }
        let candidate = properties.candidate(&entry, &predicates, sort);
        let is_useful =
            (candidate.points > 0 || candidate.has_range || (sort.is_some() && candidate.is_sorted))
                && properties.has_all_matching(&predicates);
        if hinted.is_none() && !is_useful {
            continue;
        }
        considered += 1;
        if best.as_ref().is_none_or(|best| worth(&candidate) > worth(best)) {
            best = Some(candidate);
        }
    }
    match best {
        None => Ok(collection_scan(entry, &predicates, sort, Direction::Forward)),
        Some(best) => Ok(Plan {
            entry: Some(entry),
            is_sorted: best.is_sorted,
            is_exact: best.is_exact,
            access: Access::Index(best.access),
            considered,
        }),
    }
}

/// The order of preference; the larger the better.
fn worth(candidate: &Candidate) -> impl Ord {
    (
        candidate.is_unique_point,
        candidate.points > 0 || candidate.has_range,
        2 * candidate.points + usize::from(candidate.has_range) + usize::from(candidate.is_sorted),
        candidate.points,
        candidate.is_sorted,
        Reverse(candidate.paths),
    )
}

fn all_indexes(entry: &CollectionEntry) -> impl Iterator<Item = Properties<'_>> {
    let secondary = entry.indexes.iter().enumerate();
    let usable = secondary.filter(|(_, index)| index.is_ready() && !index.hidden);
    std::iter::once(Properties::of_id())
        .chain(usable.map(|(position, index)| Properties::of(position, index)))
}

fn find_hinted<'e>(entry: &'e CollectionEntry, hint: &Hint) -> Result<Properties<'e>> {
    let is_id = match hint {
        Hint::Name(name) => name == "_id_",
        Hint::Key(key) => key.len() == 1 && key.contains_key("_id"),
        Hint::Natural(_) => false,
    };
    if is_id {
        return Ok(Properties::of_id());
    }
    let wanted = |index: &crate::catalog::IndexEntry| match hint {
        Hint::Name(name) => index.name == *name,
        Hint::Key(key) => crate::language::value::equal_documents(&index.key, key),
        Hint::Natural(_) => false,
    };
    let mut usable = entry.indexes.iter().enumerate().filter(|(_, index)| index.is_ready() && !index.hidden);
    usable
        .find(|(_, index)| wanted(index))
        .map(|(position, index)| Properties::of(position, index))
        .ok_or_else(|| {
            Error::bad_value(
                "error processing query: planner returned error :: caused by :: hint provided does not \
                 correspond to an existing index",
            )
        })
}

/// The plan of a filter that is nothing but `{_id: value}`.
fn by_id(entry: &Arc<CollectionEntry>, predicates: &Predicates<'_>) -> Option<Plan> {
    let [only] = predicates.list.as_slice() else { return None };
    let [Test::Equal(id)] = only.tests.as_slice() else { return None };
    let is_plain = !matches!(id, Bson::Array(_) | Bson::Null | Bson::RegularExpression(_) | Bson::Undefined);
    (only.path == "_id" && predicates.is_complete && is_plain).then(|| Plan {
        entry: Some(Arc::clone(entry)),
        access: Access::ById(encode_id(id)),
        is_sorted: true,
        is_exact: true,
        considered: 1,
    })
}

fn collection_scan(
    entry: Arc<CollectionEntry>,
    predicates: &Predicates<'_>,
    sort: Option<&Document>,
    direction: Direction,
) -> Plan {
    Plan {
        entry: Some(entry),
        access: Access::CollectionScan(direction),
        is_sorted: sort.is_none(),
        is_exact: predicates.is_complete && predicates.list.is_empty(),
        considered: 1,
    }
}
