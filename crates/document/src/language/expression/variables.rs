//! What the names in an expression stand for: the document, the system's variables, `let` and loop variables.

use crate::error::{Error, Result};
use bson::{Bson, DateTime, Document};
use std::borrow::Cow;

/// Values that hold for a whole command: the time it began, and variables given from outside
/// (`let` of a command or of `$lookup`).
#[derive(Debug, Clone)]
pub struct Variables {
    now: DateTime,
    values: Vec<(String, Bson)>,
}

impl Default for Variables {
    fn default() -> Variables {
        Variables::at(DateTime::from_millis(0))
    }
}

impl Variables {
    /// No variables but the time that `$$NOW` gives.
    pub fn at(now: DateTime) -> Variables {
        Variables { now, values: Vec::new() }
    }

    /// Sets a variable for all that is evaluated with this.
    pub fn set(&mut self, name: impl Into<String>, value: Bson) {
        let name = name.into();
        self.values.retain(|(existing, _)| *existing != name);
        self.values.push((name, value));
    }

    /// The time that `$$NOW` gives.
    pub fn now(&self) -> DateTime {
        self.now
    }

    /// The names of the variables given from outside.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str())
    }

    fn get(&self, name: &str) -> Option<&Bson> {
        self.values.iter().find(|(existing, _)| existing == name).map(|(_, value)| value)
    }
}

/// What is visible at one place of an expression; scopes nest like the expressions that open them.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    root: &'a Document,
    variables: &'a Variables,
    innermost: Option<&'a Binding<'a>>,
}

#[derive(Debug)]
struct Binding<'a> {
    name: &'a str,
    value: &'a Bson,
    outer: Option<&'a Binding<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope of a whole expression.
    pub fn new(root: &'a Document, variables: &'a Variables) -> Scope<'a> {
        Scope { root, variables, innermost: None }
    }

    /// The time that `$$NOW` gives.
    pub fn now(&self) -> DateTime {
        self.variables.now
    }

    /// Runs `body` in a scope that has some more variables.
    pub(crate) fn with<T>(&self, bindings: &[(&str, &Bson)], body: impl FnOnce(&Scope<'_>) -> T) -> T {
        match bindings.split_first() {
            None => body(self),
            Some((&(name, value), rest)) => {
                let binding = Binding { name, value, outer: self.innermost };
                let scope = Scope { root: self.root, variables: self.variables, innermost: Some(&binding) };
                scope.with(rest, body)
            }
        }
    }

    fn binding(&self, name: &str) -> Option<&'a Bson> {
        let mut next = self.innermost;
        while let Some(binding) = next {
            if binding.name == name {
                return Some(binding.value);
            }
            next = binding.outer;
        }
        self.variables.get(name)
    }

    /// The value at a path of a variable.
    pub(crate) fn get(&self, name: &str, path: &[String]) -> Result<Bson> {
        let value = match self.binding(name) {
            Some(value) => Cow::Borrowed(value),
            None => match name {
                "ROOT" | "CURRENT" if path.is_empty() => return Ok(Bson::Document(self.root.clone())),
                "ROOT" | "CURRENT" => return Ok(follow_document(self.root, path)),
                "REMOVE" => Cow::Owned(Bson::Undefined),
                "NOW" => Cow::Owned(Bson::DateTime(self.variables.now)),
                _ => return Err(Error::location(17276, format!("Use of undefined variable: {name}"))),
            },
        };
        Ok(follow(&value, path))
    }
}

/// The value at a path as expressions see it: through documents, and through each document of an array.
pub(crate) fn follow(value: &Bson, path: &[String]) -> Bson {
    match (value, path) {
        (value, []) => value.clone(),
        (Bson::Document(document), path) => follow_document(document, path),
        (Bson::Array(elements), path) => Bson::Array(
            elements
                .iter()
                .map(|element| follow(element, path))
                .filter(|found| *found != Bson::Undefined)
                .collect(),
        ),
        _ => Bson::Undefined,
    }
}

pub(crate) fn follow_document(document: &Document, path: &[String]) -> Bson {
    let Some((first, rest)) = path.split_first() else { return Bson::Document(document.clone()) };
    document.get(first).map_or(Bson::Undefined, |value| follow(value, rest))
}
