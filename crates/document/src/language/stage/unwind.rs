//! `$unwind`: one document for each element of an array.

use super::context::{DocumentStream, RunSite, StageContext};
use super::table::Stage;
use crate::error::{Error, Result};
use crate::language::expression::checked_path;
use crate::language::value::{path, type_name};
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Unwind {
    path: Vec<String>,
    index: Option<Vec<String>>,
    keep_empty: bool,
}

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let mut unwind = Unwind { path: Vec::new(), index: None, keep_empty: false };
    let mut path = None;
    match argument {
        Bson::String(text) => path = Some(text.as_str()),
        Bson::Document(given) => {
            for (name, value) in given {
                match (name.as_str(), value) {
                    ("path", Bson::String(text)) => path = Some(text),
                    ("path", _) => {
                        let message = format!(
                            "expected a string as the path for $unwind stage, got {}",
                            type_name(value)
                        );
                        return Err(Error::location(28808, message));
                    }
                    ("preserveNullAndEmptyArrays", Bson::Boolean(keep)) => unwind.keep_empty = *keep,
                    ("preserveNullAndEmptyArrays", _) => {
                        return Err(Error::location(
                            28809,
                            "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage",
                        ));
                    }
                    ("includeArrayIndex", Bson::String(text)) if text.starts_with('$') => {
                        return Err(Error::location(
                            28822,
                            format!(
                                "includeArrayIndex option to $unwind stage should not be prefixed \
                                    with a '$': {text}"
                            ),
                        ));
                    }
                    ("includeArrayIndex", Bson::String(text)) if !text.is_empty() => {
                        unwind.index = Some(checked_path(text)?);
                    }
                    ("includeArrayIndex", _) => {
                        return Err(Error::location(
                            28810,
                            "expected a non-empty string for the includeArrayIndex option to $unwind stage",
                        ));
                    }
                    _ => {
                        return Err(Error::location(
                            28811,
                            format!("unrecognized option to $unwind stage: {name}"),
                        ));
                    }
                }
            }
        }
        other => {
            let message = format!(
                "expected either a string or an object as specification for $unwind stage, got {}",
                type_name(other)
            );
            return Err(Error::location(15981, message));
        }
    }
    let path = path.ok_or_else(|| Error::location(28812, "no path specified to $unwind stage"))?;
    let field = path.strip_prefix('$').ok_or_else(|| {
        Error::location(28818, format!("path option to $unwind stage should be prefixed with a '$': {path}"))
    })?;
    unwind.path = checked_path(field)?;
    Ok(Arc::new(unwind))
}

impl Stage for Unwind {
    fn name(&self) -> &'static str {
        "$unwind"
    }

    fn run(&self, input: DocumentStream, _: &RunSite) -> Result<DocumentStream> {
        let unwind = self.clone();
        Ok(Box::new(input.flat_map(move |document| -> DocumentStream {
            match document {
                Ok(document) => unwind.unwound(document),
                Err(error) => super::failed(error),
            }
        })))
    }
}

impl Unwind {
    fn unwound(&self, mut document: Document) -> DocumentStream {
        match path::get(&document, &self.path) {
            Some(Bson::Array(elements)) if elements.is_empty() => {
                remove(&mut document, &self.path);
                self.lone(document)
            }
            Some(Bson::Array(elements)) => {
                let elements = elements.clone();
                // The array is taken out first, so that it is not copied with each document.
                set(&mut document, &self.path, Bson::Null);
                let unwind = self.clone();
                Box::new(elements.into_iter().enumerate().map(move |(place, element)| {
                    let mut made = document.clone();
                    set(&mut made, &unwind.path, element);
                    if let Some(index) = &unwind.index {
                        set(&mut made, index, Bson::Int64(place as i64));
                    }
                    Ok(made)
                }))
            }
            None | Some(Bson::Null | Bson::Undefined) => self.lone(document),
            Some(_) => self.with_no_index(document),
        }
    }

    /// A document whose array is empty, null or missing.
    fn lone(&self, document: Document) -> DocumentStream {
        if self.keep_empty { self.with_no_index(document) } else { Box::new(std::iter::empty()) }
    }

    fn with_no_index(&self, mut document: Document) -> DocumentStream {
        if let Some(index) = &self.index {
            set(&mut document, index, Bson::Null);
        }
        Box::new(std::iter::once(Ok(document)))
    }
}

/// Sets the value at a path through documents, which are made where there are none.
pub(super) fn set(document: &mut Document, path: &[String], value: Bson) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        document.insert(first.clone(), value);
        return;
    }
    let inner = document.entry(first.clone()).or_insert(Bson::Null);
    if !matches!(inner, Bson::Document(_)) {
        *inner = Bson::Document(Document::new());
    }
    if let Bson::Document(inner) = inner {
        set(inner, rest, value);
    }
}

fn remove(document: &mut Document, path: &[String]) {
    match path {
        [] => {}
        [last] => {
            document.remove(last);
        }
        [first, rest @ ..] => {
            if let Some(Bson::Document(inner)) = document.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}
