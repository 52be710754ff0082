//! Parses the top level of a filter: logical operators, and fields with their conditions.

use super::node::{Comparison, Node, Pattern, Predicate};
use super::parse_field;
use crate::error::{Code, Error, Result};
use crate::language::expression::{Expression, ParseScope};
use crate::language::{regex, value::FieldPath};
use bson::{Bson, Document, Regex};

/// How deeply conditions may nest.
const MAX_DEPTH: usize = 100;

const UNSUPPORTED: &[&str] = &["$where", "$text", "$jsonSchema", "$sampleRate", "$_internalExprEq"];

pub(super) fn parse(filter: &Document, scope: &ParseScope) -> Result<Node> {
    parse_at(filter, scope, 0)
}

/// Fails where conditions nest too deeply.
pub(super) fn check_depth(depth: usize) -> Result<()> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    let message = format!("the query is nested more deeply than the limit of {MAX_DEPTH} levels");
    Err(Error::new(Code::BadValue, message))
}

pub(super) fn parse_at(filter: &Document, scope: &ParseScope, depth: usize) -> Result<Node> {
    check_depth(depth)?;
    let mut parts = Vec::with_capacity(filter.len());
    for (name, value) in filter {
        if let Some(operator) = name.strip_prefix('$') {
            if let Some(part) = parse_top_operator(operator, value, scope, depth)? {
                parts.push(part);
            }
        } else {
            parse_field(name, value, scope, depth, &mut parts)?;
        }
    }
    // A conjunction of one is that one; the empty conjunction stays, it matches everything.
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => Node::And(parts),
    })
}

fn parse_top_operator(
    operator: &str,
    value: &Bson,
    scope: &ParseScope,
    depth: usize,
) -> Result<Option<Node>> {
    Ok(Some(match operator {
        "and" => Node::And(parse_list(operator, value, scope, depth)?),
        "or" => Node::Or(parse_list(operator, value, scope, depth)?),
        "nor" => Node::Nor(parse_list(operator, value, scope, depth)?),
        "expr" => Node::Expression(Expression::parse_in(value, scope)?),
        "comment" => return Ok(None),
        "alwaysTrue" => Node::And(Vec::new()),
        "alwaysFalse" => Node::Never,
        other => {
            let name = format!("${other}");
            if UNSUPPORTED.contains(&name.as_str()) {
                return Err(Error::unsupported(format!("the query operator {name}")));
            }
            return Err(Error::bad_value(format!(
                "unknown top level operator: {name}. If you have a field name that starts with a '$' symbol, \
                 consider using $getField or $setField."
            )));
        }
    }))
}

fn parse_list(operator: &str, value: &Bson, scope: &ParseScope, depth: usize) -> Result<Vec<Node>> {
    let Bson::Array(entries) = value else {
        return Err(Error::bad_value(format!("${operator} must be an array")));
    };
    if entries.is_empty() {
        return Err(Error::bad_value("$and/$or/$nor must be a nonempty array"));
    }
    let parsed = entries.iter().map(|entry| match entry {
        Bson::Document(filter) => parse_at(filter, scope, depth + 1),
        _ => Err(Error::bad_value("$or/$and/$nor entries need to be full objects")),
    });
    parsed.collect()
}

fn parse_field(
    name: &str,
    value: &Bson,
    scope: &ParseScope,
    depth: usize,
    parts: &mut Vec<Node>,
) -> Result<()> {
    let path = FieldPath::parse(name)?;
    let tests = match value {
        Bson::Document(condition) if is_condition(condition) => {
            parse_field::parse_operators(condition, scope, depth)?
        }
        other => vec![parse_equality(other)?],
    };
    parts.extend(tests.into_iter().map(|test| Node::Path { path: path.clone(), test }));
    Ok(())
}

/// Whether a document is a condition (`{$gt: 5}`) and not a value to be equal to; references are values.
pub(super) fn is_condition(document: &Document) -> bool {
    let first = document.keys().next().map(String::as_str);
    first.is_some_and(|name| name.starts_with('$') && !["$ref", "$id", "$db"].contains(&name))
}

/// What a bare value in a filter means: equality, or a match if it is a regular expression.
pub(super) fn parse_equality(value: &Bson) -> Result<Predicate> {
    Ok(match value {
        Bson::RegularExpression(regex) => Predicate::Regex(parse_pattern(regex)?),
        other => Predicate::Compare(Comparison::Equal, other.clone()),
    })
}

pub(super) fn parse_pattern(regex: &Regex) -> Result<Pattern> {
    pattern_of(regex.pattern.as_str(), regex.options.as_str())
}

pub(super) fn pattern_of(source: &str, options: &str) -> Result<Pattern> {
    let compiled = regex::compile(source, options)?;
    Ok(Pattern { source: source.to_owned(), options: options.to_owned(), compiled })
}
