//! Picks out of a filter the conditions that can bound an index.

use bson::{Bson, Document};

/// A condition on one path that every matching document fulfils.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Predicate<'f> {
    pub(super) path: &'f str,
    pub(super) condition: Condition<'f>,
}

/// What a path must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition<'f> {
    /// Equal to one of these.
    OneOf(Vec<&'f Bson>),
    /// Above the value, or equal to it if `inclusive`; within its bracket of type.
    Above { value: &'f Bson, inclusive: bool },
    /// Below the value, or equal to it if `inclusive`; within its bracket of type.
    Below { value: &'f Bson, inclusive: bool },
}

/// The conditions that a filter is a conjunction of.
#[derive(Debug, Default)]
pub(super) struct Predicates<'f> {
    pub(super) list: Vec<Predicate<'f>>,
    /// Whether the list says all that the filter says.
    pub(super) is_complete: bool,
}

impl<'f> Predicates<'f> {
    pub(super) fn of(filter: &'f Document) -> Predicates<'f> {
        let mut predicates = Predicates { list: Vec::new(), is_complete: true };
        predicates.collect(filter);
        predicates
    }

    fn collect(&mut self, filter: &'f Document) {
        for (name, value) in filter {
            match (name.as_str(), value) {
                ("$comment", _) => {}
                ("$and", Bson::Array(parts)) => {
                    for part in parts {
                        match part {
                            Bson::Document(part) => self.collect(part),
                            _ => self.is_complete = false,
                        }
                    }
                }
                (operator, _) if operator.starts_with('$') => self.is_complete = false,
                (path, Bson::Document(condition)) if is_operators(condition) => {
                    for (operator, operand) in condition {
                        self.add(path, operator, operand);
                    }
                }
                (path, value) => self.add(path, "$eq", value),
            }
        }
    }

    fn add(&mut self, path: &'f str, operator: &str, operand: &'f Bson) {
        let condition = match (operator, operand) {
            // A regular expression is matched, not compared; an undefined operand is an error elsewhere.
            (_, Bson::RegularExpression(_) | Bson::Undefined) => None,
            ("$eq", value) => Some(Condition::OneOf(vec![value])),
            ("$in", Bson::Array(values)) => Some(Condition::OneOf(values.iter().collect())),
            ("$gt", value) => Some(Condition::Above { value, inclusive: false }),
            ("$gte", value) => Some(Condition::Above { value, inclusive: true }),
            ("$lt", value) => Some(Condition::Below { value, inclusive: false }),
            ("$lte", value) => Some(Condition::Below { value, inclusive: true }),
            _ => None,
        };
        match condition {
            Some(condition) => self.list.push(Predicate { path, condition }),
            None => self.is_complete = false,
        }
    }
}

fn is_operators(condition: &Document) -> bool {
    condition.keys().next().is_some_and(|first| first.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn conjunctions_are_flattened_and_the_rest_is_noted() {
        let filter = doc! { "a": 1, "$and": [{ "b": { "$gt": 2, "$lte": 9 } }, { "c": { "$in": [1, 2] } }] };
        let predicates = Predicates::of(&filter);
        let paths: Vec<&str> = predicates.list.iter().map(|predicate| predicate.path).collect();
        assert_eq!(paths, ["a", "b", "b", "c"]);
        assert!(predicates.is_complete);
        for filter in [doc! { "$or": [{ "a": 1 }] }, doc! { "a": { "$ne": 1 } }, doc! { "a": { "$exists": true } }] {
            let predicates = Predicates::of(&filter);
            assert!(predicates.list.is_empty() && !predicates.is_complete);
        }
    }
}
