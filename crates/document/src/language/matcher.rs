//! Query filters: parsed once, then asked whether a document matches.
//!
//! The parser turns a filter into a tree of nodes whose leaves test the values at one path; the
//! evaluator walks it per document; the planner reads the tests of the top conjunction.

mod bits;
mod evaluate;
mod node;
mod parse;
mod parse_field;
mod plan;
mod upsert;

pub use plan::{PathPredicate, Test};

use super::expression::{ParseScope, Variables};
use crate::error::Result;
use bson::{Bson, Document};
use node::Node;

/// A parsed filter.
#[derive(Debug, Clone)]
pub struct Matcher {
    root: Node,
}

/// What is known of a match beyond that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatchDetails {
    /// The place in the array that made a test of the filter true: what the positional `$` stands for.
    pub array_index: Option<usize>,
}

impl Matcher {
    /// Parses a filter.
    pub fn parse(filter: &Document) -> Result<Matcher> {
        Matcher::parse_in(filter, &ParseScope::default())
    }

    /// Parses a filter whose `$expr` may use some variables.
    pub fn parse_in(filter: &Document, scope: &ParseScope) -> Result<Matcher> {
        Ok(Matcher { root: parse::parse(filter, scope)? })
    }

    /// Parses a condition on a value that has no path of its own, as `$pull` has for an array's elements:
    /// operators such as `{$gt: 5}`.
    pub(crate) fn parse_value(condition: &Document) -> Result<Matcher> {
        let tests = parse_field::parse_operators(condition, &ParseScope::default(), 0)?;
        Ok(Matcher { root: Node::Value(tests) })
    }

    /// Whether a document matches. Only `$expr` can fail, and only by what its expression does.
    pub fn matches(&self, document: &Document) -> Result<bool> {
        self.matches_with(document, &Variables::default())
    }

    /// Whether a document matches, with the variables that `$expr` may use.
    pub fn matches_with(&self, document: &Document, variables: &Variables) -> Result<bool> {
        evaluate::matches(&self.root, document, variables, &mut MatchDetails::default())
    }

    /// As [`Matcher::matches_with`], and tells which array element matched.
    pub fn match_details(&self, document: &Document, variables: &Variables) -> Result<Option<MatchDetails>> {
        let mut details = MatchDetails::default();
        Ok(evaluate::matches(&self.root, document, variables, &mut details)?.then_some(details))
    }

    /// Whether a bare value passes all tests of a matcher made by [`Matcher::parse_value`].
    pub(crate) fn matches_value(&self, value: &Bson) -> bool {
        match &self.root {
            Node::Value(tests) => tests.iter().all(|test| evaluate::test_value(test, value)),
            _ => false,
        }
    }

    /// Whether the filter is empty and so matches every document.
    pub fn is_always_true(&self) -> bool {
        matches!(&self.root, Node::And(parts) if parts.is_empty())
    }

    /// The tests that every matching document passes, for a planner to choose an index by. They are
    /// necessary, not sufficient: a document found by them is still to be checked with `matches`.
    pub fn predicates(&self) -> Vec<PathPredicate<'_>> {
        plan::predicates(&self.root)
    }

    /// If the filter holds an `$or` in its top conjunction: the predicates of each of its branches. A
    /// document that matches the filter passes those of one branch at least.
    pub fn alternatives(&self) -> Option<Vec<Vec<PathPredicate<'_>>>> {
        plan::alternatives(&self.root)
    }

    /// The document an upsert starts from: the fields that the filter's equalities determine.
    pub fn upsert_base(&self) -> Result<Document> {
        upsert::base(&self.root)
    }
}

#[cfg(test)]
mod tests;
