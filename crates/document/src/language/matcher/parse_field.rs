//! Parses the operators on one field, such as `{$gt: 5, $exists: true}`.

use super::bits;
use super::node::{Comparison, Membership, Node, Predicate, Types};
use super::parse::{self, check_depth, is_condition, parse_equality, parse_pattern, pattern_of};
use crate::error::{Error, Result};
use crate::language::expression::ParseScope;
use crate::language::value::{self, Number, describe, type_number_of_name};
use bson::{Bson, Document};

const UNSUPPORTED: &[&str] = &[
    "$near",
    "$nearSphere",
    "$geoWithin",
    "$geoIntersects",
    "$within",
    "$geoNear",
    "$maxDistance",
    "$minDistance",
    "$text",
];

/// What an operator needs to know besides its argument.
struct Site<'a> {
    siblings: &'a Document,
    scope: &'a ParseScope,
    depth: usize,
}

/// Parses all operators of a condition; all must hold.
pub(super) fn parse_operators(
    condition: &Document,
    scope: &ParseScope,
    depth: usize,
) -> Result<Vec<Predicate>> {
    check_depth(depth)?;
    let site = Site { siblings: condition, scope, depth };
    let mut tests = Vec::with_capacity(condition.len());
    for (name, argument) in condition {
        if let Some(test) = parse_operator(name, argument, &site)? {
            tests.push(test);
        }
    }
    Ok(tests)
}

fn parse_operator(name: &str, argument: &Bson, site: &Site<'_>) -> Result<Option<Predicate>> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    Ok(Some(match name {
        "$eq" => Predicate::Compare(Equal, argument.clone()),
        "$ne" => Predicate::Not(vec![comparison("$ne", Equal, argument)?]),
        "$gt" => comparison(name, Greater, argument)?,
        "$gte" => comparison(name, GreaterOrEqual, argument)?,
        "$lt" => comparison(name, Less, argument)?,
        "$lte" => comparison(name, LessOrEqual, argument)?,
        "$in" => parse_in(name, argument)?,
        "$nin" => Predicate::Not(vec![parse_in(name, argument)?]),
        "$not" => parse_not(argument, site)?,
        "$exists" if truthy(argument) => Predicate::Exists,
        "$exists" => Predicate::Not(vec![Predicate::Exists]),
        "$type" => Predicate::Type(parse_types(argument)?),
        "$regex" => parse_regex(argument, site.siblings)?,
        "$options" if site.siblings.contains_key("$regex") => return Ok(None),
        "$options" => return Err(Error::bad_value("$options needs a $regex")),
        "$comment" => return Ok(None),
        "$mod" => parse_mod(argument)?,
        "$size" => parse_size(argument)?,
        "$all" => parse_all(argument, site)?,
        "$elemMatch" => parse_element_match(argument, site)?,
        "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
            Predicate::Bits(bits::parse(name, argument)?)
        }
        other if UNSUPPORTED.contains(&other) => {
            return Err(Error::unsupported(format!("the query operator {other}")));
        }
        other => return Err(Error::bad_value(format!("unknown operator: {other}"))),
    }))
}

fn truthy(value: &Bson) -> bool {
    crate::language::expression::truthy(value)
}

fn comparison(name: &str, comparison: Comparison, argument: &Bson) -> Result<Predicate> {
    if matches!(argument, Bson::RegularExpression(_)) {
        return Err(Error::bad_value(format!(
            "Can't have RegEx as arg to predicate over field with {name}."
        )));
    }
    if matches!(argument, Bson::Undefined) {
        return Err(Error::bad_value("cannot compare to undefined"));
    }
    Ok(Predicate::Compare(comparison, argument.clone()))
}

fn parse_in(name: &str, argument: &Bson) -> Result<Predicate> {
    let Bson::Array(entries) = argument else {
        return Err(Error::bad_value(format!("{name} needs an array")));
    };
    let mut membership = Membership { values: Vec::with_capacity(entries.len()), patterns: Vec::new() };
    for entry in entries {
        match entry {
            Bson::RegularExpression(regex) => {
                membership.patterns.push(parse_pattern(regex)?);
                membership.values.push(entry.clone());
            }
            Bson::Document(document) if is_condition(document) => {
                return Err(Error::bad_value(format!("cannot nest $ under {name}")));
            }
            Bson::Undefined => {
                return Err(Error::bad_value("InMatchExpression equality cannot be undefined"));
            }
            other => membership.values.push(other.clone()),
        }
    }
    membership.values.sort_by(value::compare);
    membership.values.dedup_by(|a, b| value::equal(a, b));
    Ok(Predicate::In(membership))
}

fn parse_not(argument: &Bson, site: &Site<'_>) -> Result<Predicate> {
    match argument {
        Bson::RegularExpression(regex) => Ok(Predicate::Not(vec![Predicate::Regex(parse_pattern(regex)?)])),
        Bson::Document(condition) if condition.is_empty() => Err(Error::bad_value("$not cannot be empty")),
        Bson::Document(condition) => {
            Ok(Predicate::Not(parse_operators(condition, site.scope, site.depth + 1)?))
        }
        _ => Err(Error::bad_value("$not needs a regex or a document")),
    }
}

fn parse_types(argument: &Bson) -> Result<Types> {
    let mut types = Types::default();
    match argument {
        Bson::Array(entries) if entries.is_empty() => {
            return Err(Error::failed_to_parse("$type must match at least one type"));
        }
        Bson::Array(entries) => entries.iter().try_for_each(|entry| add_type(entry, &mut types))?,
        single => add_type(single, &mut types)?,
    }
    Ok(types)
}

fn add_type(entry: &Bson, types: &mut Types) -> Result<()> {
    match entry {
        Bson::String(name) if name == "number" => types.numbers.extend([1, 16, 18, 19]),
        Bson::String(name) => {
            let unknown = || Error::bad_value(format!("Unknown type name alias: {name}"));
            types.numbers.push(type_number_of_name(name).ok_or_else(unknown)?);
        }
        other => {
            let number = Number::of(other)
                .ok_or_else(|| Error::type_mismatch("type must be represented as a number or a string"))?;
            let code =
                number.to_i64_exact().filter(|code| (1..=19).contains(code) || [-1, 127].contains(code));
            let invalid = || Error::bad_value(format!("Invalid numerical type code: {}", describe(other)));
            types.numbers.push(code.ok_or_else(invalid)? as i32);
        }
    }
    Ok(())
}

fn parse_regex(argument: &Bson, siblings: &Document) -> Result<Predicate> {
    let options = match siblings.get("$options") {
        None => None,
        Some(Bson::String(options)) => Some(options.as_str()),
        Some(_) => return Err(Error::bad_value("$options has to be a string")),
    };
    let pattern = match (argument, options) {
        (Bson::String(source), options) => pattern_of(source, options.unwrap_or(""))?,
        (Bson::RegularExpression(regex), None) => parse_pattern(regex)?,
        (Bson::RegularExpression(regex), Some(_)) if !regex.options.is_empty() => {
            return Err(Error::location(51075, "options set in both $regex and $options"));
        }
        (Bson::RegularExpression(regex), Some(options)) => pattern_of(regex.pattern.as_str(), options)?,
        _ => return Err(Error::bad_value("$regex has to be a string")),
    };
    Ok(Predicate::Regex(pattern))
}

fn parse_mod(argument: &Bson) -> Result<Predicate> {
    let Bson::Array(parts) = argument else {
        return Err(Error::bad_value("malformed mod, needs to be an array"));
    };
    let [divisor, remainder] = parts.as_slice() else {
        let fault = if parts.len() < 2 { "not enough elements" } else { "too many elements" };
        return Err(Error::bad_value(format!("malformed mod, {fault}")));
    };
    let whole = |value: &Bson, what: &str| {
        let number = Number::of(value).filter(|number| !number.is_nan());
        let whole = number.and_then(Number::to_i64_truncated);
        whole.ok_or_else(|| Error::bad_value(format!("malformed mod, {what} not a number")))
    };
    let (divisor, remainder) = (whole(divisor, "divisor")?, whole(remainder, "remainder")?);
    if divisor == 0 {
        return Err(Error::bad_value("divisor cannot be 0"));
    }
    Ok(Predicate::Mod { divisor, remainder })
}

fn parse_size(argument: &Bson) -> Result<Predicate> {
    let number = Number::of(argument).and_then(Number::to_i64_exact);
    let Some(size) = number else {
        let message = format!("Failed to parse $size. Expected an integer: $size: {}", describe(argument));
        return Err(Error::bad_value(message));
    };
    let size = usize::try_from(size).map_err(|_| {
        Error::bad_value(format!("Failed to parse $size. Expected a non-negative number in: $size: {size}"))
    })?;
    Ok(Predicate::Size(size))
}

fn parse_all(argument: &Bson, site: &Site<'_>) -> Result<Predicate> {
    let Bson::Array(entries) = argument else {
        return Err(Error::bad_value("$all needs an array"));
    };
    let is_element_match =
        |entry: &Bson| matches!(entry, Bson::Document(document) if document.contains_key("$elemMatch"));
    let element_matches = entries.first().is_some_and(is_element_match);
    let mut tests = Vec::with_capacity(entries.len());
    for entry in entries {
        tests.push(match entry {
            Bson::Document(document) if element_matches && is_element_match(entry) && document.len() == 1 => {
                match document.get("$elemMatch") {
                    Some(inner) => parse_element_match(inner, site)?,
                    None => Predicate::Never,
                }
            }
            _ if element_matches => {
                return Err(Error::bad_value("$all/$elemMatch has to be consistent"));
            }
            Bson::Document(document) if is_condition(document) => {
                return Err(Error::bad_value("no $ expressions in $all"));
            }
            other => parse_equality(other)?,
        });
    }
    Ok(if tests.is_empty() { Predicate::Never } else { Predicate::All(tests) })
}

fn parse_element_match(argument: &Bson, site: &Site<'_>) -> Result<Predicate> {
    let Bson::Document(condition) = argument else {
        return Err(Error::bad_value("$elemMatch needs an Object"));
    };
    let depth = site.depth + 1;
    check_depth(depth)?;
    let first = condition.keys().next().map_or("", String::as_str);
    let on_values = is_condition(condition) && !["$and", "$or", "$nor", "$expr"].contains(&first);
    if on_values {
        return Ok(Predicate::ElementValue(parse_operators(condition, site.scope, depth)?));
    }
    let node = parse::parse_at(condition, site.scope, depth)?;
    if has_expression(&node) {
        return Err(Error::bad_value("$expr can only be applied to the top-level document"));
    }
    Ok(Predicate::ElementDocument(Box::new(node)))
}

fn has_expression(node: &Node) -> bool {
    match node {
        Node::And(parts) | Node::Or(parts) | Node::Nor(parts) => parts.iter().any(has_expression),
        Node::Expression(_) => true,
        _ => false,
    }
}
