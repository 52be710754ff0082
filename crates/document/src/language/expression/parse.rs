//! From BSON to an expression tree, with the checks MongoDB makes before it runs anything.

use super::node::{Call, Expression};
use super::operator::{self, Kind};
use crate::error::{Code, Error, Result};
use bson::{Bson, Document};

/// How deeply expressions may nest.
const MAX_DEPTH: usize = 100;

const SYSTEM: &[&str] = &["ROOT", "CURRENT", "REMOVE", "NOW"];
const UNSUPPORTED: &[&str] =
    &["CLUSTER_TIME", "USER_ROLES", "SEARCH_META", "JS_SCOPE", "IS_MR", "DESCEND", "PRUNE", "KEEP"];

/// Which variables an expression may use, and how deeply it is nested already.
#[derive(Debug, Clone, Default)]
pub struct ParseScope {
    names: Vec<String>,
    depth: usize,
}

impl ParseScope {
    /// A scope in which these variables are known.
    pub fn with_names<'a>(names: impl IntoIterator<Item = &'a str>) -> ParseScope {
        ParseScope { names: names.into_iter().map(str::to_owned).collect(), depth: 0 }
    }

    /// The same scope with more variables.
    pub fn plus<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> ParseScope {
        let mut scope = self.clone();
        scope.names.extend(names.into_iter().map(str::to_owned));
        scope
    }

    /// Names known beside the system's.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn deeper(&self) -> Result<ParseScope> {
        if self.depth >= MAX_DEPTH {
            let message = format!("an expression is nested more deeply than the limit of {MAX_DEPTH} levels");
            return Err(Error::new(Code::Overflow, message));
        }
        Ok(ParseScope { names: self.names.clone(), depth: self.depth + 1 })
    }
}

/// Parses any expression.
pub(crate) fn parse(source: &Bson, scope: &ParseScope) -> Result<Expression> {
    match source {
        Bson::String(text) if text.starts_with('$') => parse_path(text, scope),
        Bson::Document(document) => parse_document(document, &scope.deeper()?),
        Bson::Array(elements) => {
            let scope = scope.deeper()?;
            let elements =
                elements.iter().map(|element| parse(element, &scope)).collect::<Result<Vec<_>>>()?;
            if elements.iter().all(|element| element.constant().is_some()) {
                let values = elements.iter().filter_map(|element| element.constant().cloned());
                return Ok(Expression::Constant(Bson::Array(values.collect())));
            }
            Ok(Expression::Array(elements))
        }
        other => Ok(Expression::Constant(other.clone())),
    }
}

fn parse_path(text: &str, scope: &ParseScope) -> Result<Expression> {
    let (name, path) = match text.strip_prefix("$$") {
        None => ("CURRENT", Some(&text[1..])),
        Some(variable) => match variable.split_once('.') {
            Some((name, path)) => (name, Some(path)),
            None => (variable, None),
        },
    };
    if name != "CURRENT" {
        check_variable_in_use(name, scope)?;
    }
    let path = match path {
        None => Vec::new(),
        Some("") if text == "$" => {
            return Err(Error::location(16872, "'$' by itself is not a valid FieldPath"));
        }
        Some(path) => checked_path(path)?,
    };
    Ok(Expression::Variable { name: name.to_owned(), path })
}

fn check_variable_in_use(name: &str, scope: &ParseScope) -> Result<()> {
    if name.is_empty() {
        return Err(Error::failed_to_parse("empty variable names are not allowed"));
    }
    if SYSTEM.contains(&name) || scope.names.iter().any(|known| known == name) {
        return Ok(());
    }
    if UNSUPPORTED.contains(&name) {
        return Err(Error::unsupported(format!("the variable $${name}")));
    }
    Err(Error::location(17276, format!("Use of undefined variable: {name}")))
}

/// Checks the name of a variable that a user defines.
pub(crate) fn check_variable_name(name: &str) -> Result<()> {
    let first = name.chars().next();
    let starts_well = first.is_some_and(|first| first.is_ascii_lowercase() || !first.is_ascii());
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii();
    if name == "CURRENT" || (starts_well && name.chars().all(allowed)) {
        return Ok(());
    }
    Err(Error::failed_to_parse(format!("'{name}' is not a valid name of a user variable")))
}

/// Splits a dotted path and refuses empty parts and parts that start with a dollar.
pub(crate) fn checked_path(path: &str) -> Result<Vec<String>> {
    check_ends(path)?;
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    for part in &parts {
        check_field_name(part)?;
    }
    if parts.len() > 200 {
        return Err(Error::new(Code::Overflow, "FieldPath is too long"));
    }
    Ok(parts)
}

/// Refuses the empty path and one that ends with a dot, which MongoDB tells apart from empty parts within.
pub(crate) fn check_ends(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Error::location(40352, "FieldPath cannot be constructed with empty string"));
    }
    if path.ends_with('.') {
        return Err(Error::location(40353, "FieldPath must not end with a '.'."));
    }
    Ok(())
}

fn check_field_name(part: &str) -> Result<()> {
    if part.is_empty() {
        return Err(Error::location(15998, "FieldPath field names may not be empty strings."));
    }
    if part.starts_with('$') {
        return Err(Error::location(
            16410,
            format!("FieldPath field names may not start with '$', given '{part}'."),
        ));
    }
    if part.contains('\0') {
        return Err(Error::location(16411, "FieldPath field names may not contain '\\0'."));
    }
    Ok(())
}

fn parse_document(document: &Document, scope: &ParseScope) -> Result<Expression> {
    let first = document.iter().next();
    if let Some((name, argument)) = first.filter(|(name, _)| name.starts_with('$')) {
        if document.len() != 1 {
            let message = "an object representing an expression must have exactly one field";
            return Err(Error::location(15983, message));
        }
        return parse_operator(name, argument, scope);
    }
    let mut fields = Vec::with_capacity(document.len());
    for (name, value) in document {
        if name.contains('.') {
            let message = format!("FieldPath field names may not contain '.', given '{name}'.");
            return Err(Error::location(16412, message));
        }
        if name.starts_with('$') {
            check_field_name(name)?;
        }
        fields.push((name.clone(), parse(value, scope)?));
    }
    Ok(Expression::Object(fields))
}

fn parse_operator(name: &str, argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let Some(operator) = operator::find(name) else {
        if operator::KNOWN_UNSUPPORTED.contains(&name) {
            return Err(Error::unsupported(format!("the expression {name}")));
        }
        return Err(Error::new(Code::InvalidPipelineOperator, format!("Unrecognized expression '{name}'")));
    };
    let arguments = match &operator.kind {
        Kind::Special(parse_special) => return parse_special(argument, scope),
        Kind::Values { least, most, .. } => {
            let arguments = positional(argument, scope)?;
            if arguments.len() < *least || arguments.len() > *most {
                return Err(wrong_count(name, *least, *most, arguments.len()));
            }
            arguments
        }
        Kind::Named { required, optional, .. } => named(name, argument, required, optional, scope)?,
    };
    Ok(Expression::Call(Call { operator, arguments }))
}

fn wrong_count(name: &str, least: usize, most: usize, given: usize) -> Error {
    if least == most {
        return Error::location(
            16020,
            format!("Expression {name} takes exactly {least} arguments. {given} were passed in."),
        );
    }
    let most = if most == usize::MAX { "any number of".to_owned() } else { format!("at most {most}") };
    Error::location(
        28667,
        format!(
            "Expression {name} takes at least {least} arguments, and {most} arguments, but {given} \
                were passed in."
        ),
    )
}

/// The arguments of an operator that takes them by place; a single one needs no array.
pub(crate) fn positional(argument: &Bson, scope: &ParseScope) -> Result<Vec<Expression>> {
    match argument {
        Bson::Array(arguments) => arguments.iter().map(|argument| parse(argument, scope)).collect(),
        single => Ok(vec![parse(single, scope)?]),
    }
}

/// The arguments of an operator that takes them by name: first the required ones, then the optional ones
/// (`Undefined` where not given).
pub(crate) fn named(
    operator: &str,
    argument: &Bson,
    required: &[&str],
    optional: &[&str],
    scope: &ParseScope,
) -> Result<Vec<Expression>> {
    let Bson::Document(given) = argument else {
        return Err(Error::failed_to_parse(format!("{operator} only supports an object as its argument")));
    };
    for name in given.keys() {
        if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
            return Err(Error::failed_to_parse(format!("Unrecognized argument to {operator}: {name}")));
        }
    }
    let mut arguments = Vec::with_capacity(required.len() + optional.len());
    for name in required {
        let value = given
            .get(name)
            .ok_or_else(|| Error::failed_to_parse(format!("Missing '{name}' parameter to {operator}")))?;
        arguments.push(parse(value, scope)?);
    }
    for name in optional {
        arguments.push(
            given.get(name).map_or(Ok(Expression::Constant(Bson::Undefined)), |value| parse(value, scope))?,
        );
    }
    Ok(arguments)
}
