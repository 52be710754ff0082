//! `$replaceRoot` and `$replaceWith`: a document made by an expression takes the place of each document.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::expression::{Expression, ParseScope, Variables};
use crate::language::value::type_name;
use bson::{Bson, Document};
use std::sync::Arc;

/// A parsed `$replaceRoot` or `$replaceWith`.
#[derive(Debug, Clone)]
pub(crate) struct ReplaceRoot(Expression);

impl ReplaceRoot {
    pub(crate) fn parse(name: &str, argument: &Bson, scope: &ParseScope) -> Result<ReplaceRoot> {
        if name == "$replaceWith" {
            return Ok(ReplaceRoot(Expression::parse_in(argument, scope)?));
        }
        let Bson::Document(given) = argument else {
            let kind = type_name(argument);
            let message = format!("expected an object as specification for $replaceRoot stage, got {kind}");
            return Err(Error::location(40229, message));
        };
        if let Some(other) = given.keys().find(|name| *name != "newRoot") {
            let message = format!("unrecognized option to $replaceRoot stage: {other}");
            return Err(Error::location(40230, message));
        }
        let new_root = given
            .get("newRoot")
            .ok_or_else(|| Error::location(40231, "no newRoot specified for the $replaceRoot stage"))?;
        Ok(ReplaceRoot(Expression::parse_in(new_root, scope)?))
    }

    pub(crate) fn apply(&self, document: &Document, variables: &Variables) -> Result<Document> {
        match self.0.evaluate(document, variables)? {
            Bson::Document(root) => Ok(root),
            other => Err(Error::location(
                40228,
                format!(
                    "'newRoot' expression must evaluate to an object, but resulting value was of type {}",
                    type_name(&other)
                ),
            )),
        }
    }
}

#[derive(Debug)]
struct ReplaceRootStage {
    name: &'static str,
    root: Arc<ReplaceRoot>,
}

pub(super) fn parse(name: &'static str, argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    Ok(Arc::new(ReplaceRootStage {
        name,
        root: Arc::new(ReplaceRoot::parse(name, argument, context.scope())?),
    }))
}

impl Stage for ReplaceRootStage {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (root, variables) = (Arc::clone(&self.root), Arc::clone(&site.variables));
        Ok(stream::map(input, move |document| root.apply(&document, &variables)))
    }
}
