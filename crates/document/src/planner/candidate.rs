//! One index as a way to answer a query: its bounds, its order, its worth.

use std::sync::LazyLock;

use bson::Document;

use super::bounds::FieldBounds;
use super::plan::{IndexAccess, ScannedIndex};
use super::predicate::{Predicate, Predicates};
use super::sort::direction_for;
use crate::catalog::{CollectionEntry, IndexEntry};
use crate::index::IndexField;
use crate::language::key::Direction as KeyDirection;
use crate::language::matcher::Test;
use crate::language::value::FieldPath;
use crate::language::value::path::array_index;
use crate::store::{Direction, KeyRange};

/// The most ranges one plan walks; a product of `$in` lists that gives more is bounded by fewer paths.
const MOST_RANGES: usize = 1000;

/// A possible plan.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) access: IndexAccess,
    pub(super) is_sorted: bool,
    pub(super) is_exact: bool,
    /// Whether no more than one document can be found.
    pub(super) is_unique_point: bool,
    /// How many paths in front are bounded to points, and whether the next is bounded to a range.
    pub(super) points: usize,
    pub(super) has_range: bool,
    pub(super) paths: usize,
}

/// What the planner needs to know about an index.
pub(super) struct Properties<'e> {
    pub(super) index: ScannedIndex,
    fields: &'e [IndexField],
    multikey: &'e [bool],
    is_sparse: bool,
    is_unique: bool,
}

static ID_FIELDS: LazyLock<Vec<IndexField>> = LazyLock::new(|| {
    let path = FieldPath::parse("_id").into_iter();
    path.map(|path| IndexField { path, direction: KeyDirection::Ascending }).collect()
});

impl<'e> Properties<'e> {
    pub(super) fn of_id() -> Properties<'e> {
        Properties {
            index: ScannedIndex::Id,
            fields: &ID_FIELDS,
            multikey: &[false],
            is_sparse: false,
            is_unique: true,
        }
    }

    pub(super) fn of(position: usize, index: &'e IndexEntry) -> Properties<'e> {
        Properties {
            index: ScannedIndex::Secondary(position),
            fields: &index.fields,
            multikey: &index.multikey,
            is_sparse: index.sparse,
            is_unique: index.unique,
        }
    }

    /// The bounds of one path, as far as the filter sets any.
    fn bounds_of(&self, position: usize, predicates: &Predicates<'_>) -> Option<(FieldBounds, usize)> {
        let field = &self.fields[position];
        // A number on a path may be a place in an array or a name; what the index took it for is not known.
        if field.path.parts().iter().any(|part| array_index(part).is_some()) {
            return None;
        }
        let on_path = predicates.list.iter().filter(|predicate| predicate.path == field.path.as_str());
        let mut all = on_path.filter_map(|predicate| FieldBounds::of(&predicate.tests, field.direction));
        let first = all.next()?;
        if self.multikey[position] {
            // Each condition may hold for another element of the array, so only one of them can bound.
            let better = |best: FieldBounds, next: FieldBounds| {
                if next.is_points() && !best.is_points() { next } else { best }
            };
            return Some((all.fold(first, better), 1));
        }
        let mut used = 1;
        let bounds = all.fold(first, |bounds, next| {
            used += 1;
            bounds.intersect(&next)
        });
        Some((bounds, used))
    }

    /// Whether an earlier path goes through the same array: its conditions may hold for other elements.
    fn shares_an_array(&self, position: usize) -> bool {
        let root = |position: usize| self.fields[position].path.parts().first();
        self.multikey[position]
            && (0..position).any(|earlier| self.multikey[earlier] && root(earlier) == root(position))
    }

    /// The plan that this index allows.
    pub(super) fn candidate(
        &self,
        entry: &CollectionEntry,
        predicates: &Predicates<'_>,
        sort: Option<&Document>,
    ) -> Candidate {
        let mut bounds = Vec::new();
        let mut used = 0;
        let mut combinations = 1_usize;
        let mut points = 0;
        for position in 0..self.fields.len() {
            if self.shares_an_array(position) {
                break;
            }
            let Some((field_bounds, predicates_used)) = self.bounds_of(position, predicates) else { break };
            combinations = combinations.saturating_mul(field_bounds.intervals.len());
            if combinations > MOST_RANGES {
                break;
            }
            let is_points = field_bounds.is_points();
            bounds.push(field_bounds);
            used += predicates_used;
            if !is_points {
                break;
            }
            points += 1;
        }
        let is_multikey = self.multikey.contains(&true);
        let direction = match sort {
            Some(sort) if !is_multikey => direction_for(sort, self.fields, &bounds),
            Some(_) => None,
            None => Some(Direction::Forward),
        };
        let is_exact = predicates.is_complete
            && used == predicates.list.len()
            && !is_multikey
            && !self.is_sparse
            && bounds.iter().all(|field| field.is_exact);
        Candidate {
            is_sorted: direction.is_some(),
            is_exact,
            is_unique_point: self.is_unique
                && !self.is_sparse
                && points == self.fields.len()
                && bounds.iter().all(FieldBounds::is_single_point),
            points,
            has_range: bounds.len() > points,
            paths: self.fields.len(),
            access: IndexAccess {
                index: self.index,
                ranges: ranges(self.index.prefix(entry), &bounds),
                direction: direction.unwrap_or_default(),
                bounds,
            },
        }
    }

    /// Whether the index surely has every document that can match.
    pub(super) fn has_all_matching(&self, predicates: &Predicates<'_>) -> bool {
        let is_there = |predicate: &Predicate<'_>| {
            let excludes_missing = |bounds: FieldBounds| !bounds.admits_missing;
            self.fields.iter().any(|field| field.path.as_str() == predicate.path)
                && (predicate.tests.contains(&Test::Exists)
                    || FieldBounds::of(&predicate.tests, KeyDirection::Ascending)
                        .is_some_and(excludes_missing))
        };
        !self.is_sparse || predicates.list.iter().any(is_there)
    }
}

/// The ranges of keys that the bounds of the paths come to, in order.
fn ranges(prefix: Vec<u8>, bounds: &[FieldBounds]) -> Vec<KeyRange> {
    let mut prefixes = vec![prefix];
    for (position, field) in bounds.iter().enumerate() {
        if position + 1 == bounds.len() {
            let joined = prefixes.iter().flat_map(|prefix| {
                field.intervals.iter().map(|interval| {
                    KeyRange::between(
                        [prefix.as_slice(), &interval.start].concat(),
                        [prefix.as_slice(), &interval.end].concat(),
                    )
                })
            });
            return joined.collect();
        }
        prefixes = prefixes
            .iter()
            .flat_map(|prefix| {
                field.intervals.iter().map(|interval| [prefix.as_slice(), &interval.start].concat())
            })
            .collect();
    }
    prefixes.into_iter().map(KeyRange::prefix).collect()
}
