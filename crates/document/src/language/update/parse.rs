//! Parses update documents: one table of operator names, the checks on paths, and update pipelines.

use super::Step;
use super::array_change::{AddToSet, Pull, Push};
use super::modification::{Change, Modification, whole};
use super::number_change::BitChange;
use super::path::{Part, UpdatePath};
use crate::error::{Code, Error, Result};
use crate::language::expression::ParseScope;
use crate::language::projection::{AddFields, Projection};
use crate::language::stage::ReplaceRoot;
use crate::language::value::{check_value_nesting, describe, is_numeric, type_name};
use bson::{Bson, Document};

/// Parses `{$set: {...}, $inc: {...}}` into modifications in the order in which they apply.
pub(super) fn modifications(update: &Document) -> Result<Vec<Modification>> {
    let mut parsed: Vec<Modification> = Vec::new();
    for (operator, fields) in update {
        let Bson::Document(fields) = fields else {
            if !operator.starts_with('$') || !is_operator(operator) {
                return Err(unknown(operator));
            }
            return Err(Error::failed_to_parse(format!(
                "Modifiers operate on fields but we found type {} instead. For example: \
                 {{$mod: {{<field>: ...}}}} not {{{operator}: {}}}",
                type_name(fields),
                describe(fields)
            )));
        };
        if !is_operator(operator) {
            return Err(unknown(operator));
        }
        for (name, argument) in fields {
            let path = UpdatePath::parse(name)?;
            check_value_nesting(argument)?;
            let change = change(operator, argument, &path)?;
            parsed.push(Modification { path, change });
        }
    }
    check_conflicts(&parsed)?;
    parsed.sort_by(|a, b| a.path.compare(&b.path));
    Ok(parsed)
}

fn check_conflicts(parsed: &[Modification]) -> Result<()> {
    let mut paths: Vec<&UpdatePath> = Vec::new();
    for modification in parsed {
        paths.push(&modification.path);
        if let Change::Rename(to) = &modification.change {
            paths.push(to);
        }
    }
    // Sorted, a path stands directly before those it leads to, so neighbours are all there is to check.
    paths.sort_by(|a, b| a.text.split('.').cmp(b.text.split('.')));
    paths.windows(2).try_for_each(|pair| pair[0].check_conflict(pair[1]))
}

const OPERATORS: &[&str] = &[
    "$set",
    "$setOnInsert",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$currentDate",
    "$rename",
    "$push",
    "$addToSet",
    "$pop",
    "$pull",
    "$pullAll",
    "$bit",
];

fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

fn unknown(operator: &str) -> Error {
    Error::failed_to_parse(format!(
        "Unknown modifier: {operator}. Expected a valid update modifier or pipeline-style update specified \
         as an \
         array"
    ))
}

fn change(operator: &str, argument: &Bson, path: &UpdatePath) -> Result<Change> {
    Ok(match operator {
        "$set" => Change::Set(argument.clone()),
        "$setOnInsert" => Change::SetOnInsert(argument.clone()),
        "$unset" => Change::Unset,
        "$inc" => Change::Increment(numeric("Cannot increment with", argument, path)?),
        "$mul" => Change::Multiply(numeric("Cannot multiply with", argument, path)?),
        "$min" => Change::Minimum(argument.clone()),
        "$max" => Change::Maximum(argument.clone()),
        "$currentDate" => current_date(argument)?,
        "$rename" => rename(argument, path)?,
        "$push" => Change::Push(Push::parse(argument)?),
        "$addToSet" => Change::AddToSet(AddToSet::parse(argument)?),
        "$pop" => match whole(argument) {
            Some(direction @ (1 | -1)) => Change::Pop { first: direction == -1 },
            Some(other) => {
                return Err(Error::failed_to_parse(format!("$pop expects 1 or -1, found: {other}")));
            }
            None => {
                let message = format!("Expected a number in: {}: {}", path.text, describe(argument));
                return Err(Error::failed_to_parse(message));
            }
        },
        "$pull" => Change::Pull(Pull::parse(argument)?),
        "$pullAll" => Change::Pull(Pull::parse_all(argument)?),
        "$bit" => Change::Bit(BitChange::parse(argument, &path.text)?),
        other => return Err(unknown(other)),
    })
}

fn numeric(verb: &str, argument: &Bson, path: &UpdatePath) -> Result<Bson> {
    if is_numeric(argument) {
        return Ok(argument.clone());
    }
    let message = format!("{verb} non-numeric argument: {{{}: {}}}", path.text, describe(argument));
    Err(Error::type_mismatch(message))
}

fn current_date(argument: &Bson) -> Result<Change> {
    match argument {
        Bson::Boolean(_) => Ok(Change::CurrentDate { timestamp: false }),
        Bson::Document(inner) => match (inner.len(), inner.get("$type")) {
            (1, Some(Bson::String(kind))) if kind == "date" => Ok(Change::CurrentDate { timestamp: false }),
            (1, Some(Bson::String(kind))) if kind == "timestamp" => {
                Ok(Change::CurrentDate { timestamp: true })
            }
            _ => Err(Error::bad_value(
                "The '$type' string field is required to be 'date' or 'timestamp': \
                 {$currentDate: {field : {$type: 'date'}}}",
            )),
        },
        other => Err(Error::bad_value(format!(
            "{} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression",
            type_name(other)
        ))),
    }
}

fn rename(argument: &Bson, from: &UpdatePath) -> Result<Change> {
    let Bson::String(to) = argument else {
        let message =
            format!("The 'to' field for $rename must be a string: {}: {}", from.text, describe(argument));
        return Err(Error::bad_value(message));
    };
    let to = UpdatePath::parse(to)?;
    for (role, path) in [("source", from), ("destination", &to)] {
        if path.parts.iter().any(|part| !matches!(part, Part::Field(_))) {
            return Err(Error::bad_value(format!(
                "The {role} field for $rename may not be dynamic: {}",
                path.text
            )));
        }
    }
    if *from == to {
        let message = format!("The source and target field for $rename must differ: {}", to.text);
        return Err(Error::bad_value(message));
    }
    from.check_conflict(&to).map_err(|_| {
        let message = format!(
            "The source and target field for $rename must not be on the same path: {}: {}",
            from.text, to.text
        );
        Error::bad_value(message)
    })?;
    Ok(Change::Rename(to))
}

/// A replacement has no field that starts with a dollar at its top, save those of a reference.
pub(super) fn check_replacement(document: &Document) -> Result<()> {
    match document.keys().find(|name| name.starts_with('$')) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Code::DollarPrefixedFieldName,
            format!(
                "The dollar ($) prefixed field '{name}' in '{name}' is not allowed in the context \
                    of an update's replacement document."
            ),
        )),
    }
}

/// Parses an update pipeline, which may hold only stages that make one document of one.
pub(super) fn pipeline(stages: &[Bson], scope: &ParseScope) -> Result<Vec<Step>> {
    stages.iter().map(|stage| pipeline_step(stage, scope)).collect()
}

fn pipeline_step(stage: &Bson, scope: &ParseScope) -> Result<Step> {
    let first = stage.as_document().filter(|stage| stage.len() == 1).and_then(|stage| stage.iter().next());
    let Some((name, argument)) = first else {
        let message = "Each element of the 'pipeline' array must be an object with exactly one field";
        return Err(Error::type_mismatch(message));
    };
    let object = || {
        let wrong = || Error::location(40272, format!("{name} specification stage must be an object"));
        argument.as_document().ok_or_else(wrong)
    };
    match name.as_str() {
        "$set" | "$addFields" => Ok(Step::AddFields(AddFields::parse(object()?, scope)?)),
        "$project" => Ok(Step::Project(Projection::parse_stage(object()?, scope)?)),
        "$unset" => Ok(Step::Project(crate::language::stage::parse_unset(argument)?)),
        "$replaceRoot" | "$replaceWith" => Ok(Step::ReplaceRoot(ReplaceRoot::parse(name, argument, scope)?)),
        other if !crate::language::stage::is_known(other) => {
            Err(Error::location(40324, format!("Unrecognized pipeline stage name: '{other}'")))
        }
        other => {
            let message = format!("{other} is not allowed to be used within an update");
            Err(Error::new(Code::InvalidOptions, message))
        }
    }
}
