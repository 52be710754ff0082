//! Applies a projection's tree to a document.

use super::Projection;
use super::tree::{Child, Mode, Tree};
use crate::error::{Error, Result};
use crate::language::expression::{Scope, Variables};
use crate::language::matcher::{MatchDetails, Matcher};
use bson::{Bson, Document};

/// What all levels of one application share.
struct Site<'a> {
    scope: &'a Scope<'a>,
    details: MatchDetails,
}

pub(super) fn project(
    projection: &Projection,
    document: &Document,
    scope: &Scope<'_>,
    details: MatchDetails,
) -> Result<Document> {
    let site = Site { scope, details };
    let mut result = match projection.mode {
        Mode::Inclusion => {
            let mut kept = Document::new();
            let computed_id = projection.tree.child("_id").is_some();
            if let Some(id) = document.get("_id").filter(|_| projection.keep_id && !computed_id) {
                kept.insert("_id", id.clone());
            }
            include(&projection.tree, document, kept, &site)?
        }
        Mode::Exclusion => exclude(&projection.tree, document, &site)?,
    };
    if !projection.keep_id {
        result.remove("_id");
    }
    Ok(result)
}

fn include(tree: &Tree, document: &Document, mut result: Document, site: &Site<'_>) -> Result<Document> {
    for (name, value) in document {
        if let Some(child) = tree.child(name)
            && let Some(kept) = include_value(child, name, value, site)?
        {
            result.insert(name.clone(), kept);
        }
    }
    compute_missing(tree, result, site.scope)
}

fn include_value(child: &Child, name: &str, value: &Bson, site: &Site<'_>) -> Result<Option<Bson>> {
    Ok(match child {
        Child::Include => Some(value.clone()),
        Child::Nested(tree) => include_nested(tree, value, site)?,
        Child::Computed(_) | Child::Exclude => None,
        other => special(other, name, value, site)?,
    })
}

fn include_nested(tree: &Tree, value: &Bson, site: &Site<'_>) -> Result<Option<Bson>> {
    Ok(match value {
        Bson::Document(inner) => Some(Bson::Document(include(tree, inner, Document::new(), site)?)),
        Bson::Array(elements) => {
            let mut kept = Vec::new();
            for element in elements {
                kept.extend(include_nested(tree, element, site)?);
            }
            Some(Bson::Array(kept))
        }
        _ if tree.computes() => Some(Bson::Document(compute_missing(tree, Document::new(), site.scope)?)),
        _ => None,
    })
}

/// Adds what is computed and not there yet.
fn compute_missing(tree: &Tree, mut result: Document, scope: &Scope<'_>) -> Result<Document> {
    for (name, child) in &tree.children {
        match child {
            Child::Computed(expression) => {
                let value = expression.evaluate_in(scope)?;
                if value != Bson::Undefined {
                    result.insert(name.clone(), value);
                }
            }
            Child::Nested(inner) if inner.computes() && !result.contains_key(name) => {
                let made = compute_missing(inner, Document::new(), scope)?;
                result.insert(name.clone(), made);
            }
            _ => {}
        }
    }
    Ok(result)
}

fn exclude(tree: &Tree, document: &Document, site: &Site<'_>) -> Result<Document> {
    let mut result = Document::new();
    for (name, value) in document {
        let kept = match tree.child(name) {
            None | Some(Child::Include) => Some(value.clone()),
            Some(Child::Exclude | Child::Computed(_)) => None,
            Some(Child::Nested(inner)) => Some(exclude_nested(inner, value, site)?),
            Some(other) => special(other, name, value, site)?,
        };
        if let Some(kept) = kept {
            result.insert(name.clone(), kept);
        }
    }
    Ok(result)
}

fn exclude_nested(tree: &Tree, value: &Bson, site: &Site<'_>) -> Result<Bson> {
    Ok(match value {
        Bson::Document(inner) => Bson::Document(exclude(tree, inner, site)?),
        Bson::Array(elements) => {
            let kept = elements.iter().map(|element| exclude_nested(tree, element, site));
            Bson::Array(kept.collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}

fn special(child: &Child, name: &str, value: &Bson, site: &Site<'_>) -> Result<Option<Bson>> {
    Ok(match (child, value) {
        (Child::Slice { skip, count }, Bson::Array(elements)) => {
            Some(Bson::Array(slice(elements, *skip, *count)))
        }
        (Child::Slice { .. }, other) => Some(other.clone()),
        (Child::ElementMatch(matcher), Bson::Array(elements)) => matching_element(matcher, name, elements)?,
        (Child::Positional, Bson::Array(elements)) => {
            let matched = site.details.array_index.and_then(|index| elements.get(index));
            let message = "Executor error during find command :: caused by :: positional operator '.$' \
                           couldn't find a matching element in the array";
            let element = matched.ok_or_else(|| Error::location(51246, message))?;
            Some(Bson::Array(vec![element.clone()]))
        }
        (Child::Positional, other) => Some(other.clone()),
        _ => None,
    })
}

/// The part of an array that find's `$slice` keeps; a negative skip or count counts from the end.
fn slice(elements: &[Bson], skip: Option<i64>, count: i64) -> Vec<Bson> {
    let size = elements.len() as i64;
    let (start, count) = match skip {
        None if count < 0 => (size.saturating_add(count).max(0), count.saturating_neg()),
        None => (0, count),
        Some(skip) if skip < 0 => (size.saturating_add(skip).max(0), count),
        Some(skip) => (skip.min(size), count),
    };
    elements.iter().skip(start as usize).take(usize::try_from(count).unwrap_or(usize::MAX)).cloned().collect()
}

fn matching_element(matcher: &Matcher, name: &str, elements: &[Bson]) -> Result<Option<Bson>> {
    let probe: Document = [(name.to_owned(), Bson::Array(elements.to_vec()))].into_iter().collect();
    let found = matcher.match_details(&probe, &Variables::default())?.and_then(|details| details.array_index);
    Ok(found.and_then(|index| elements.get(index)).map(|element| Bson::Array(vec![element.clone()])))
}

/// Sets the computed fields of a tree in a document and keeps the rest.
pub(super) fn add_fields(tree: &Tree, mut document: Document, scope: &Scope<'_>) -> Result<Document> {
    for (name, child) in &tree.children {
        match child {
            Child::Computed(expression) => match expression.evaluate_in(scope)? {
                Bson::Undefined => {
                    document.remove(name);
                }
                value => {
                    document.insert(name.clone(), value);
                }
            },
            Child::Nested(inner) => {
                let old = document
                    .get_mut(name)
                    .map_or(Bson::Undefined, |value| std::mem::replace(value, Bson::Null));
                document.insert(name.clone(), add_nested(inner, old, scope)?);
            }
            _ => {}
        }
    }
    Ok(document)
}

fn add_nested(tree: &Tree, value: Bson, scope: &Scope<'_>) -> Result<Bson> {
    Ok(match value {
        Bson::Document(inner) => Bson::Document(add_fields(tree, inner, scope)?),
        Bson::Array(elements) => {
            let changed = elements.into_iter().map(|element| add_nested(tree, element, scope));
            Bson::Array(changed.collect::<Result<_>>()?)
        }
        _ => Bson::Document(add_fields(tree, Document::new(), scope)?),
    })
}
