//! Updates: operators, replacements and pipelines, applied to one document at a time.
//!
//! An operator update is parsed into modifications, each a path and a change at its end,
//! sorted by path as MongoDB applies them. Paths may hold `$`, `$[]` and `$[name]`, which are resolved
//! against each document.

mod array_change;
mod array_filter;
mod modification;
mod number_change;
mod parse;
mod path;
mod walk;

use super::expression::{ParseScope, Variables};
use super::projection::AddFields;
use crate::error::{Code, Error, Result};
use crate::language::value::{check_nesting, describe, equal, identical_documents};
use array_filter::ArrayFilters;
use bson::{Bson, DateTime, Document};
use modification::Modification;

/// A parsed update.
#[derive(Debug, Clone)]
pub struct Update {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Replacement(Document),
    Operators { modifications: Vec<Modification>, filters: ArrayFilters },
    Pipeline(Vec<Step>),
}

/// A stage that may stand in an update's pipeline.
#[derive(Debug, Clone)]
enum Step {
    AddFields(AddFields),
    Project(super::projection::Projection),
    ReplaceRoot(super::stage::ReplaceRoot),
}

/// What an update needs to know besides the document.
#[derive(Debug, Clone, Default)]
pub struct UpdateContext {
    /// Whether an upsert makes a new document, so that `$setOnInsert` counts.
    pub is_insert: bool,
    /// Time and variables; `$currentDate` takes the time from here.
    pub variables: Variables,
    /// Which array element the filter matched: what the positional `$` stands for.
    pub array_index: Option<usize>,
}

impl UpdateContext {
    /// A context for an existing document at a time.
    pub fn at(now: DateTime) -> UpdateContext {
        UpdateContext { variables: Variables::at(now), ..UpdateContext::default() }
    }
}

/// Whether an update made a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The document is another now.
    Yes,
    /// The document is as it was, to the byte.
    No,
}

impl Update {
    /// Parses what a client sent as an update: a document of operators, a replacement, or a pipeline.
    pub fn parse(update: &Bson, array_filters: &[Document]) -> Result<Update> {
        Update::parse_in(update, array_filters, &ParseScope::default())
    }

    /// As [`Update::parse`]; expressions of a pipeline may use some variables.
    pub fn parse_in(update: &Bson, array_filters: &[Document], scope: &ParseScope) -> Result<Update> {
        let kind = match update {
            Bson::Document(document) if document.keys().next().is_some_and(|name| name.starts_with('$')) => {
                let filters = ArrayFilters::parse(array_filters)?;
                let modifications = parse::modifications(document)?;
                filters.check_use(&modifications)?;
                Kind::Operators { modifications, filters }
            }
            Bson::Document(document) => {
                no_array_filters(array_filters, "replacement-style")?;
                parse::check_replacement(document)?;
                Kind::Replacement(document.clone())
            }
            Bson::Array(stages) => {
                no_array_filters(array_filters, "pipeline-style")?;
                Kind::Pipeline(parse::pipeline(stages, scope)?)
            }
            _ => return Err(Error::failed_to_parse("Update argument must be either an object or an array")),
        };
        Ok(Update { kind })
    }

    /// Whether it replaces whole documents, which `multi` does not allow.
    pub fn is_replacement(&self) -> bool {
        matches!(self.kind, Kind::Replacement(_))
    }

    /// Whether it holds the positional `$`, which needs the matched array index.
    pub fn is_positional(&self) -> bool {
        match &self.kind {
            Kind::Operators { modifications, .. } => {
                modifications.iter().any(|modification| modification.path.is_positional())
            }
            _ => false,
        }
    }

    /// Applies the update. On an error the document is left as it was. Linear in the document's size.
    pub fn apply(&self, document: &mut Document, context: &UpdateContext) -> Result<Changed> {
        let mut updated = match &self.kind {
            Kind::Replacement(replacement) => replacement.clone(),
            Kind::Operators { modifications, filters } => {
                let mut updated = document.clone();
                for modification in modifications {
                    modification.apply(&mut updated, filters, context)?;
                }
                updated
            }
            Kind::Pipeline(steps) => steps
                .iter()
                .try_fold(document.clone(), |input, step| step.apply(input, &context.variables))?,
        };
        keep_id(document, &mut updated, !matches!(self.kind, Kind::Operators { .. }))?;
        check_nesting(&updated)?;
        if identical_documents(document, &updated) {
            return Ok(Changed::No);
        }
        *document = updated;
        Ok(Changed::Yes)
    }
}

impl Step {
    fn apply(&self, document: Document, variables: &Variables) -> Result<Document> {
        match self {
            Step::AddFields(step) => step.apply(document, variables),
            Step::Project(step) => step.apply_with(&document, variables, Default::default()),
            Step::ReplaceRoot(step) => step.apply(&document, variables),
        }
    }
}

fn no_array_filters(array_filters: &[Document], kind: &str) -> Result<()> {
    if array_filters.is_empty() {
        return Ok(());
    }
    Err(Error::failed_to_parse(format!("arrayFilters may not be specified for {kind} updates")))
}

/// The `_id` stays, and stays first; an update that would change it fails. Where a replacement or a pipeline
/// makes a document without one, it is put back.
fn keep_id(before: &Document, after: &mut Document, replaced: bool) -> Result<()> {
    let Some(old) = before.get("_id") else {
        return Ok(());
    };
    match after.get("_id") {
        Some(new) if equal(old, new) => {
            if after.keys().next().map(String::as_str) == Some("_id") {
                return Ok(());
            }
        }
        Some(new) => {
            let message = format!(
                "Performing an update on the path '_id' would modify the immutable field '_id': {} to {}",
                describe(old),
                describe(new)
            );
            return Err(Error::new(Code::ImmutableField, message));
        }
        None if replaced => {}
        None => {
            let message = "Performing an update on the path '_id' would modify the immutable field '_id'";
            return Err(Error::new(Code::ImmutableField, message));
        }
    }
    let id = after.remove("_id").unwrap_or_else(|| old.clone());
    let rest = std::mem::take(after);
    after.insert("_id", id);
    after.extend(rest);
    Ok(())
}

#[cfg(test)]
mod tests;
