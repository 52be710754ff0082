//! `$inc`, `$mul` and `$bit`.

use crate::error::{Error, Result};
use crate::language::value::{Number, describe, type_name};
use bson::Bson;

pub(super) fn increment(old: Option<Bson>, by: &Bson, field: &str) -> Result<Bson> {
    match old {
        None => Ok(by.clone()),
        Some(old) => arithmetic("$inc", &old, by, field, Number::plus),
    }
}

pub(super) fn multiply(old: Option<Bson>, by: &Bson, field: &str) -> Result<Bson> {
    // What is missing counts as a zero of the argument's type.
    let old = old.unwrap_or(Bson::Int32(0));
    arithmetic("$mul", &old, by, field, Number::multiply)
}

fn arithmetic(
    operator: &str,
    old: &Bson,
    by: &Bson,
    field: &str,
    combine: fn(Number, Number) -> Number,
) -> Result<Bson> {
    let number = Number::of(old).ok_or_else(|| {
        let kind = type_name(old);
        Error::type_mismatch(format!(
            "Cannot apply {operator} to a value of non-numeric type. The field '{field}' has \
                non-numeric type {kind}"
        ))
    })?;
    let by = Number::of(by).ok_or_else(|| {
        Error::type_mismatch(format!(
            "Cannot {operator} with non-numeric argument: {{{field}: {}}}",
            describe(by)
        ))
    })?;
    let result = combine(number, by);
    let integers = number.integer().is_some() && by.integer().is_some();
    if integers && result.integer().is_none() {
        let value = describe(old);
        let message =
            format!("Failed to apply {operator} operations to current value ({value}) of field '{field}'");
        return Err(Error::bad_value(message));
    }
    Ok(result.to_bson())
}

/// `$bit`: and, or, xor with integers, one after the other.
#[derive(Debug, Clone)]
pub(super) struct BitChange(Vec<(BitOperation, Bson)>);

#[derive(Debug, Clone, Copy)]
enum BitOperation {
    And,
    Or,
    Xor,
}

impl BitChange {
    pub(super) fn parse(argument: &Bson, field: &str) -> Result<BitChange> {
        let Bson::Document(operations) = argument else {
            return Err(Error::bad_value(format!(
                "The $bit modifier is not compatible with a {}. You must pass in an embedded document: \
                 {{$bit: {{field: {{and/or/xor: #}}}}}}",
                type_name(argument)
            )));
        };
        let mut parsed = Vec::with_capacity(operations.len());
        for (name, operand) in operations {
            let operation = match name.as_str() {
                "and" => BitOperation::And,
                "or" => BitOperation::Or,
                "xor" => BitOperation::Xor,
                other => {
                    let message =
                        format!("The $bit modifier only supports 'and', 'or', and 'xor', not '{other}'");
                    return Err(Error::bad_value(message));
                }
            };
            if !matches!(operand, Bson::Int32(_) | Bson::Int64(_)) {
                let message =
                    format!("The $bit modifier field must be an Integer(32/64 bit); {field} is not");
                return Err(Error::bad_value(message));
            }
            parsed.push((operation, operand.clone()));
        }
        if parsed.is_empty() {
            return Err(Error::bad_value("You must pass in at least one bitwise operation."));
        }
        Ok(BitChange(parsed))
    }

    pub(super) fn apply(&self, old: Option<Bson>, field: &str) -> Result<Bson> {
        let mut value = old.unwrap_or(Bson::Int32(0));
        for (operation, operand) in &self.0 {
            let whole = Number::of(&value).and_then(Number::integer);
            let (Some(left), Some(right)) = (whole, Number::of(operand).and_then(Number::integer)) else {
                let kind = type_name(&value);
                let message = format!(
                    "Cannot apply $bit to a value of non-integral type. The field '{field}' has type {kind}"
                );
                return Err(Error::bad_value(message));
            };
            let result = match operation {
                BitOperation::And => left & right,
                BitOperation::Or => left | right,
                BitOperation::Xor => left ^ right,
            };
            value = match (&value, operand) {
                (Bson::Int32(_), Bson::Int32(_)) => Bson::Int32(result as i32),
                _ => Bson::Int64(result),
            };
        }
        Ok(value)
    }
}
