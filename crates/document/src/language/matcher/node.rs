//! The tree of a parsed filter.

use super::bits::BitTest;
use crate::language::expression::Expression;
use crate::language::value::FieldPath;
use bson::Bson;
use regex::Regex;

/// A condition on a document.
#[derive(Debug, Clone)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Nor(Vec<Node>),
    /// Some value at the path passes the test.
    Path {
        path: FieldPath,
        test: Predicate,
    },
    Expression(Expression),
    Never,
    /// Tests on the value itself; only made for conditions without a path.
    Value(Vec<Predicate>),
}

/// A condition on the values at a path.
#[derive(Debug, Clone)]
pub(super) enum Predicate {
    Compare(Comparison, Bson),
    In(Membership),
    Regex(Pattern),
    Exists,
    Type(Types),
    Mod {
        divisor: i64,
        remainder: i64,
    },
    Size(usize),
    Bits(BitTest),
    /// Some element, a document, matches.
    ElementDocument(Box<Node>),
    /// Some element passes all tests.
    ElementValue(Vec<Predicate>),
    /// Not all of these hold at the path.
    Not(Vec<Predicate>),
    /// All of these hold at the path, each by whichever value.
    All(Vec<Predicate>),
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The values of `$in`, sorted, and its patterns.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) values: Vec<Bson>,
    pub(super) patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) source: String,
    pub(super) options: String,
    pub(super) compiled: Regex,
}

/// A set of BSON types by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Types {
    pub(super) numbers: Vec<i32>,
}
