//! `arrayFilters`: the conditions that `$[name]` in a path stands for.

use super::modification::Modification;
use super::path::Part;
use crate::error::{Error, Result};
use crate::language::matcher::Matcher;
use bson::{Bson, Document};

/// The array filters of an update by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrayFilters(Vec<(String, Matcher)>);

impl ArrayFilters {
    pub(super) fn parse(filters: &[Document]) -> Result<ArrayFilters> {
        let mut parsed: Vec<(String, Matcher)> = Vec::with_capacity(filters.len());
        for filter in filters {
            let name = name_of(filter)?;
            if parsed.iter().any(|(existing, _)| *existing == name) {
                let message =
                    format!("Found multiple array filters with the same top-level field name {name}");
                return Err(Error::failed_to_parse(message));
            }
            let context = |error: Error| error.with_context("Error parsing array filter");
            parsed.push((name, Matcher::parse(filter).map_err(context)?));
        }
        Ok(ArrayFilters(parsed))
    }

    /// Every name in a path needs a filter, and every filter must be used.
    pub(super) fn check_use(&self, modifications: &[Modification]) -> Result<()> {
        let mut used = Vec::new();
        for modification in modifications {
            for part in &modification.path.parts {
                let Part::Filtered(name) = part else { continue };
                if !self.0.iter().any(|(existing, _)| existing == name) {
                    let path = &modification.path.text;
                    let message = format!("No array filter found for identifier '{name}' in path '{path}'");
                    return Err(Error::bad_value(message));
                }
                used.push(name);
            }
        }
        match self.0.iter().find(|(name, _)| !used.contains(&name)) {
            None => Ok(()),
            Some((name, _)) => Err(Error::failed_to_parse(format!(
                "The array filter for identifier '{name}' was not used in the update"
            ))),
        }
    }

    pub(super) fn accepts(&self, name: &str, element: &Bson) -> Result<bool> {
        let Some((_, matcher)) = self.0.iter().find(|(existing, _)| existing == name) else {
            return Ok(false);
        };
        let probe: Document = [(name.to_owned(), element.clone())].into_iter().collect();
        matcher.matches(&probe)
    }
}

/// The one name that all conditions of a filter are about.
fn name_of(filter: &Document) -> Result<String> {
    let mut name = None;
    find_name(filter, &mut name)?;
    let name = name.ok_or_else(|| {
        Error::failed_to_parse("Cannot use an expression without a top-level field name in arrayFilters")
    })?;
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts_well || !name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return Err(Error::bad_value(format!(
            "Error parsing array filter :: caused by :: The top-level field name must be an \
             alphanumeric string \
             beginning with a lowercase letter, found '{name}'"
        )));
    }
    Ok(name)
}

fn find_name(filter: &Document, name: &mut Option<String>) -> Result<()> {
    for (field, value) in filter {
        if field.starts_with('$') {
            if let Bson::Array(branches) = value {
                for branch in branches.iter().filter_map(Bson::as_document) {
                    find_name(branch, name)?;
                }
            }
            continue;
        }
        let first = field.split('.').next().unwrap_or_default();
        match name {
            Some(existing) if existing != first => {
                return Err(Error::failed_to_parse(format!(
                    "Error parsing array filter :: caused by :: Expected a single top-level \
                     field name, found \
                     '{existing}' and '{first}'"
                )));
            }
            _ => *name = Some(first.to_owned()),
        }
    }
    Ok(())
}
