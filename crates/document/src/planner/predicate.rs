//! The conditions of a filter that can bound an index.

use std::borrow::Cow;

use bson::{Bson, Document};

use crate::language::matcher::{Matcher, PathPredicate, Test};

/// Tests on one path that one and the same value passes in every matching document.
#[derive(Debug)]
pub(super) struct Predicate<'f> {
    pub(super) path: Cow<'f, str>,
    pub(super) tests: Vec<Test<'f>>,
}

/// What a filter says for certain.
#[derive(Debug)]
pub(super) struct Predicates<'f> {
    pub(super) list: Vec<Predicate<'f>>,
    /// Whether the list says all that the filter says.
    pub(super) is_complete: bool,
}

impl<'f> Predicates<'f> {
    pub(super) fn of(matcher: &'f Matcher, filter: &Document) -> Predicates<'f> {
        let mut predicates = Predicates { list: Vec::new(), is_complete: is_simple(filter) };
        predicates.collect("", matcher.predicates());
        predicates
    }

    fn collect(&mut self, prefix: &str, found: Vec<PathPredicate<'f>>) {
        for PathPredicate { path, test } in found {
            let path = match (prefix, path) {
                ("", path) => Cow::Borrowed(path),
                (prefix, "") => Cow::Owned(prefix.to_owned()),
                (prefix, path) => Cow::Owned(format!("{prefix}.{path}")),
            };
            match test {
                Test::Element(inner) if inner.iter().all(|predicate| predicate.path.is_empty()) => {
                    let tests = inner.into_iter().map(|predicate| predicate.test).collect();
                    self.list.push(Predicate { path, tests });
                }
                Test::Element(inner) => self.collect(&path, inner),
                test => self.list.push(Predicate { path, tests: vec![test] }),
            }
        }
    }
}

/// Whether a filter is nothing but comparisons with values, all of which the matcher lists.
fn is_simple(filter: &Document) -> bool {
    filter.iter().all(|(name, value)| match value {
        _ if name == "$comment" => true,
        Bson::Array(parts) if name == "$and" => {
            parts.iter().all(|part| part.as_document().is_some_and(is_simple))
        }
        _ if name.starts_with('$') => false,
        Bson::Document(condition) if condition.keys().next().is_some_and(|first| first.starts_with('$')) => {
            condition.iter().all(|(operator, operand)| {
                matches!(operator.as_str(), "$eq" | "$gt" | "$gte" | "$lt" | "$lte" | "$in")
                    && !matches!(operand, Bson::RegularExpression(_))
            })
        }
        Bson::RegularExpression(_) => false,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn conjunctions_are_flattened_and_the_rest_is_noted() {
        let filter = doc! { "a": 1, "$and": [{ "b": { "$gt": 2, "$lte": 9 } }, { "c": { "$in": [1, 2] } }] };
        let matcher = Matcher::parse(&filter).unwrap();
        let predicates = Predicates::of(&matcher, &filter);
        let paths: Vec<&str> = predicates.list.iter().map(|predicate| predicate.path.as_ref()).collect();
        assert_eq!(paths, ["a", "b", "b", "c"]);
        assert!(predicates.is_complete);
        for filter in [doc! { "$or": [{ "a": 1 }, { "b": 1 }] }, doc! { "a": { "$ne": 1 } }] {
            let matcher = Matcher::parse(&filter).unwrap();
            let predicates = Predicates::of(&matcher, &filter);
            assert!(predicates.list.is_empty() && !predicates.is_complete);
        }
    }

    #[test]
    fn what_one_element_passes_stays_together() {
        let filter =
            doc! { "a": { "$elemMatch": { "$gt": 1, "$lt": 5 } }, "b": { "$elemMatch": { "x": 1 } } };
        let matcher = Matcher::parse(&filter).unwrap();
        let predicates = Predicates::of(&matcher, &filter);
        assert_eq!((predicates.list[0].path.as_ref(), predicates.list[0].tests.len()), ("a", 2));
        assert_eq!(predicates.list[1].path, "b.x");
    }
}
