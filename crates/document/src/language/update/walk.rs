//! Walks an update path into a document, makes what is missing, and changes the value at its end.

use super::array_filter::ArrayFilters;
use super::modification::{Change, Outcome};
use super::path::{Part, UpdatePath};
use super::{Changed, UpdateContext};
use crate::error::{Code, Error, Result};
use crate::language::value::path::array_index;
use crate::language::value::{describe, type_name};
use bson::{Bson, Document};

/// How many nulls may be put before a new array element, as in MongoDB.
const MAX_PADDING: usize = 1_500_000;

/// What all steps of one walk share.
pub(super) struct Site<'a> {
    pub(super) path: &'a UpdatePath,
    pub(super) change: &'a Change,
    pub(super) filters: &'a ArrayFilters,
    pub(super) context: &'a UpdateContext,
}

/// Applies a change at every place its path leads to.
pub(super) fn apply(document: &mut Document, site: &Site<'_>) -> Result<()> {
    in_document(document, 0, site)
}

fn in_document(document: &mut Document, depth: usize, site: &Site<'_>) -> Result<()> {
    let name = match &site.path.parts[depth] {
        Part::Field(name) => name,
        Part::Matched => return Err(not_an_array(&Bson::Document(document.clone()), depth, site)),
        Part::All | Part::Filtered(_) => {
            return Err(not_an_array(&Bson::Document(document.clone()), depth, site));
        }
    };
    if depth + 1 == site.path.parts.len() {
        let old = document.get_mut(name).map(|value| std::mem::replace(value, Bson::Null));
        match site.change.apply(old, name, site.context)? {
            Outcome::Value(new) => {
                document.insert(name.clone(), new);
            }
            Outcome::Nothing => {
                document.remove(name);
            }
        }
        return Ok(());
    }
    match document.get_mut(name) {
        Some(inner) => in_value(inner, depth + 1, site),
        None if site.change.creates() => {
            let mut made = Document::new();
            make_below(&mut made, depth + 1, site)?;
            document.insert(name.clone(), made);
            Ok(())
        }
        None => must_exist(depth + 1, site),
    }
}

/// Fills a document that was made because its place was missing.
fn make_below(made: &mut Document, depth: usize, site: &Site<'_>) -> Result<()> {
    must_exist(depth, site)?;
    in_document(made, depth, site)
}

/// Array operators in a path cannot make the array they need.
fn must_exist(depth: usize, site: &Site<'_>) -> Result<()> {
    match &site.path.parts[depth] {
        Part::All | Part::Filtered(_) => {
            let path = prefix(site.path, depth);
            let message =
                format!("The path '{path}' must exist in the document in order to apply array updates.");
            Err(Error::bad_value(message))
        }
        Part::Matched => Err(no_match()),
        Part::Field(_) => Ok(()),
    }
}

fn prefix(path: &UpdatePath, parts: usize) -> String {
    path.text.split('.').take(parts).collect::<Vec<_>>().join(".")
}

fn in_value(value: &mut Bson, depth: usize, site: &Site<'_>) -> Result<()> {
    match value {
        Bson::Document(inner) => in_document(inner, depth, site),
        Bson::Array(elements) => in_array(elements, depth, site),
        other => match &site.path.parts[depth] {
            Part::Field(_) if !site.change.creates() => Ok(()),
            Part::Field(name) => {
                let parent = prefix(site.path, depth);
                let message =
                    format!("Cannot create field '{name}' in element {{{parent}: {}}}", describe(other));
                Err(Error::new(Code::PathNotViable, message))
            }
            _ => Err(not_an_array(other, depth, site)),
        },
    }
}

fn in_array(elements: &mut Vec<Bson>, depth: usize, site: &Site<'_>) -> Result<()> {
    match &site.path.parts[depth] {
        Part::Field(name) => match array_index(name) {
            Some(index) => at_index(elements, index, depth, site),
            None if !site.change.creates() => Ok(()),
            None => {
                let parent = prefix(site.path, depth);
                let array = describe(&Bson::Array(elements.clone()));
                let message = format!("Cannot create field '{name}' in element {{{parent}: {array}}}");
                Err(Error::new(Code::PathNotViable, message))
            }
        },
        Part::Matched => at_index(elements, site.context.array_index.ok_or_else(no_match)?, depth, site),
        Part::All => (0..elements.len()).try_for_each(|index| at_index(elements, index, depth, site)),
        Part::Filtered(name) => {
            for index in 0..elements.len() {
                if site.filters.accepts(name, &elements[index])? {
                    at_index(elements, index, depth, site)?;
                }
            }
            Ok(())
        }
    }
}

fn at_index(elements: &mut Vec<Bson>, index: usize, depth: usize, site: &Site<'_>) -> Result<()> {
    let is_last = depth + 1 == site.path.parts.len();
    if index >= elements.len() {
        if !site.change.creates() {
            return Ok(());
        }
        if index - elements.len() > MAX_PADDING {
            let message = format!("can't backfill more than {MAX_PADDING} elements");
            return Err(Error::new(Code::CannotMutateObject, message));
        }
        let new = if is_last {
            match site.change.apply(None, &index.to_string(), site.context)? {
                Outcome::Value(new) => new,
                Outcome::Nothing => return Ok(()),
            }
        } else {
            let mut made = Document::new();
            make_below(&mut made, depth + 1, site)?;
            Bson::Document(made)
        };
        elements.resize(index, Bson::Null);
        elements.push(new);
        return Ok(());
    }
    if !is_last {
        return in_value(&mut elements[index], depth + 1, site);
    }
    let old = std::mem::replace(&mut elements[index], Bson::Null);
    // What is unset within an array leaves a null, so that the others keep their places.
    if let Outcome::Value(new) = site.change.apply(Some(old), &index.to_string(), site.context)? {
        elements[index] = new;
    }
    Ok(())
}

fn no_match() -> Error {
    Error::bad_value("The positional operator did not find the match needed from the query.")
}

fn not_an_array(value: &Bson, depth: usize, site: &Site<'_>) -> Error {
    let parent = prefix(site.path, depth);
    if site.path.parts[depth] == Part::Matched {
        let message = format!("Cannot create field '$' in element {{{parent}: {}}}", describe(value));
        return Error::new(Code::PathNotViable, message);
    }
    Error::bad_value(format!("Cannot apply array updates to non-array element {parent}: {}", describe(value)))
}

/// Moves a value from one path to another; what is at the target goes away.
pub(super) fn rename(document: &mut Document, from: &UpdatePath, to: &UpdatePath) -> Result<Changed> {
    let Some(value) = take(document, from, 0)? else { return Ok(Changed::No) };
    put(document, to, 0, value)?;
    Ok(Changed::Yes)
}

fn field<'a>(path: &'a UpdatePath, depth: usize, role: &str) -> Result<&'a String> {
    match &path.parts[depth] {
        Part::Field(name) => Ok(name),
        _ => Err(Error::bad_value(format!("The {role} field for $rename may not be dynamic: {}", path.text))),
    }
}

fn take(document: &mut Document, path: &UpdatePath, depth: usize) -> Result<Option<Bson>> {
    let name = field(path, depth, "source")?;
    if depth + 1 == path.parts.len() {
        return Ok(document.remove(name));
    }
    match document.get_mut(name) {
        Some(Bson::Document(inner)) => take(inner, path, depth + 1),
        Some(Bson::Array(_)) => {
            Err(Error::bad_value(format!("The source field cannot be an array element, '{}'", path.text)))
        }
        _ => Ok(None),
    }
}

fn put(document: &mut Document, path: &UpdatePath, depth: usize, value: Bson) -> Result<()> {
    let name = field(path, depth, "destination")?;
    if depth + 1 == path.parts.len() {
        document.insert(name.clone(), value);
        return Ok(());
    }
    match document.entry(name.clone()).or_insert(Bson::Document(Document::new())) {
        Bson::Document(inner) => put(inner, path, depth + 1, value),
        Bson::Array(_) => Err(Error::bad_value(format!(
            "The destination field cannot be an array element, '{}'",
            path.text
        ))),
        other => {
            let message = format!("Cannot create field in element {{{name}: {}}}", type_name(other));
            Err(Error::new(Code::PathNotViable, message))
        }
    }
}
