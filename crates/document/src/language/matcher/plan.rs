//! What a planner may know of a filter: the tests on paths that every match must pass.

use super::node::{Comparison, Node, Predicate};
use crate::language::regex;
use bson::Bson;

/// A test that some value at a path must pass in every matching document.
#[derive(Debug, Clone, PartialEq)]
pub struct PathPredicate<'a> {
    /// The dotted path.
    pub path: &'a str,
    /// What is asked of the values there.
    pub test: Test<'a>,
}

/// What is asked of the values at a path. Where an array is on the path, each test may be passed by another
/// element, so on a multikey index only one of several bounds on a path may be used (unless they come from
/// one [`Test::Element`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Test<'a> {
    /// Equal to a value. Null also means missing; an array also means an element that is that array.
    Equal(&'a Bson),
    /// Below a value, within its bracket of type (for `MaxKey` and `MinKey`: of any type).
    Less(&'a Bson),
    /// Below a value or equal to it.
    LessOrEqual(&'a Bson),
    /// Above a value.
    Greater(&'a Bson),
    /// Above a value or equal to it.
    GreaterOrEqual(&'a Bson),
    /// Equal to one of these, which are sorted and distinct.
    In(&'a [Bson]),
    /// A string that starts with this text (or a regular expression value that equals the pattern).
    Prefix(String),
    /// There.
    Exists,
    /// Not there.
    Missing,
    /// One array element passes all of these; each path is relative to the element, `""` is the element.
    Element(Vec<PathPredicate<'a>>),
}

pub(super) fn predicates(node: &Node) -> Vec<PathPredicate<'_>> {
    let mut found = Vec::new();
    collect(node, &mut found);
    found
}

fn collect<'a>(node: &'a Node, found: &mut Vec<PathPredicate<'a>>) {
    match node {
        Node::And(parts) => parts.iter().for_each(|part| collect(part, found)),
        Node::Or(parts) if parts.len() == 1 => collect(&parts[0], found),
        Node::Path { path, test } => collect_test(path.as_str(), test, found),
        Node::Value(tests) => tests.iter().for_each(|test| collect_test("", test, found)),
        _ => {}
    }
}

fn collect_test<'a>(path: &'a str, predicate: &'a Predicate, found: &mut Vec<PathPredicate<'a>>) {
    let test = match predicate {
        Predicate::Compare(comparison, operand) => match comparison {
            Comparison::Equal => Test::Equal(operand),
            Comparison::Less => Test::Less(operand),
            Comparison::LessOrEqual => Test::LessOrEqual(operand),
            Comparison::Greater => Test::Greater(operand),
            Comparison::GreaterOrEqual => Test::GreaterOrEqual(operand),
        },
        Predicate::In(membership) if membership.patterns.is_empty() => Test::In(&membership.values),
        Predicate::Regex(pattern) => match regex::anchored_prefix(&pattern.source, &pattern.options) {
            Some((prefix, _)) => Test::Prefix(prefix),
            None => return,
        },
        Predicate::Exists => Test::Exists,
        Predicate::Not(inner) if matches!(inner.as_slice(), [Predicate::Exists]) => Test::Missing,
        Predicate::All(inner) => {
            return inner.iter().for_each(|test| collect_test(path, test, found));
        }
        Predicate::ElementDocument(node) => Test::Element(predicates(node)),
        Predicate::ElementValue(tests) => {
            let mut inner = Vec::new();
            tests.iter().for_each(|test| collect_test("", test, &mut inner));
            Test::Element(inner)
        }
        _ => return,
    };
    found.push(PathPredicate { path, test });
}

pub(super) fn alternatives(node: &Node) -> Option<Vec<Vec<PathPredicate<'_>>>> {
    match node {
        Node::Or(parts) => Some(parts.iter().map(predicates).collect()),
        Node::And(parts) => parts.iter().find_map(alternatives),
        _ => None,
    }
}
