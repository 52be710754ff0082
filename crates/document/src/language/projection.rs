//! Projections: which fields to keep, leave out or compute; for find, `$project` and `$addFields`.

mod apply;
mod parse;
mod tree;

use super::expression::{ParseScope, Scope, Variables};
use super::matcher::MatchDetails;
use crate::error::Result;
use bson::Document;
use tree::{Mode, Tree};

/// A parsed projection.
#[derive(Debug, Clone)]
pub struct Projection {
    tree: Tree,
    mode: Mode,
    keep_id: bool,
}

impl Projection {
    /// Parses the projection of a find command; an empty one keeps everything.
    pub fn parse(specification: &Document) -> Result<Projection> {
        Projection::parse_in(specification, &ParseScope::default())
    }

    /// As [`Projection::parse`], where expressions may use some variables.
    pub fn parse_in(specification: &Document, scope: &ParseScope) -> Result<Projection> {
        parse::projection(specification, scope, parse::Dialect::Find)
    }

    /// Parses the argument of `$project`, which has no `$elemMatch` and no positional `$`.
    pub(crate) fn parse_stage(specification: &Document, scope: &ParseScope) -> Result<Projection> {
        parse::projection(specification, scope, parse::Dialect::Stage)
    }

    /// The projected document.
    pub fn apply(&self, document: &Document) -> Result<Document> {
        self.apply_with(document, &Variables::default(), MatchDetails::default())
    }

    /// The projected document, given the variables for expressions and what the filter found out.
    pub fn apply_with(
        &self,
        document: &Document,
        variables: &Variables,
        details: MatchDetails,
    ) -> Result<Document> {
        apply::project(self, document, &Scope::new(document, variables), details)
    }

    /// Whether it has a positional `$`, which needs [`MatchDetails`] of the filter.
    pub fn is_positional(&self) -> bool {
        self.tree.is_positional()
    }

    /// Whether it keeps every document as it is.
    pub fn is_empty(&self) -> bool {
        self.tree.children.is_empty() && self.mode == Mode::Exclusion && self.keep_id
    }

    /// The top-level fields that it needs of a document, if it is a plain inclusion; for covered queries.
    pub fn included_paths(&self) -> Option<Vec<String>> {
        if self.mode != Mode::Inclusion {
            return None;
        }
        let mut paths = Vec::new();
        if self.keep_id {
            paths.push("_id".to_owned());
        }
        self.tree.included_paths("", &mut paths).then_some(paths)
    }
}

/// The argument of `$addFields`: fields to set, each by an expression.
#[derive(Debug, Clone)]
pub(crate) struct AddFields(Tree);

impl AddFields {
    pub(crate) fn parse(specification: &Document, scope: &ParseScope) -> Result<AddFields> {
        Ok(AddFields(parse::add_fields(specification, scope)?))
    }

    pub(crate) fn apply(&self, document: Document, variables: &Variables) -> Result<Document> {
        let scope = Scope::new(&document, variables);
        apply::add_fields(&self.0, document.clone(), &scope)
    }
}

#[cfg(test)]
mod tests;
