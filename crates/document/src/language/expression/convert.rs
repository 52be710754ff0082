//! Types and conversions: `$type`, `$isNumber`, `$convert` and its short forms.

use super::date;
use super::node::{Evaluate, Expression};
use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::Scope;
use crate::error::{Code, Error, Result};
use crate::language::value::decimal::Decimal;
use crate::language::value::{Number, is_nullish, is_numeric, type_name, type_number_of_name};
use bson::{Bson, DateTime, oid::ObjectId};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::values("$type", 1, 1, |values| {
        let missing = values[0] == Bson::Undefined;
        Ok(Bson::String(if missing { "missing" } else { type_name(&values[0]) }.to_owned()))
    }),
    Operator::values("$isNumber", 1, 1, |values| Ok(Bson::Boolean(is_numeric(&values[0])))),
    Operator::values("$toString", 1, 1, |values| to(2, &values[0])),
    Operator::values("$toInt", 1, 1, |values| to(16, &values[0])),
    Operator::values("$toLong", 1, 1, |values| to(18, &values[0])),
    Operator::values("$toDouble", 1, 1, |values| to(1, &values[0])),
    Operator::values("$toDecimal", 1, 1, |values| to(19, &values[0])),
    Operator::values("$toBool", 1, 1, |values| to(8, &values[0])),
    Operator::values("$toDate", 1, 1, |values| to(9, &values[0])),
    Operator::values("$toObjectId", 1, 1, |values| to(7, &values[0])),
    Operator::special("$convert", parse_convert),
];

#[derive(Debug)]
struct Convert {
    input: Expression,
    to: Expression,
    on_error: Option<Expression>,
    on_null: Option<Expression>,
}

fn parse_convert(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let mut parts =
        parse::named("$convert", argument, &["input", "to"], &["onError", "onNull"], scope)?.into_iter();
    let (Some(input), Some(to)) = (parts.next(), parts.next()) else {
        return Err(Error::failed_to_parse("$convert needs 'input' and 'to'"));
    };
    let given =
        |expression: Expression| Some(expression).filter(|it| it.constant() != Some(&Bson::Undefined));
    let on_error = parts.next().and_then(given);
    let on_null = parts.next().and_then(given);
    Ok(Expression::special(Convert { input, to, on_error, on_null }))
}

impl Evaluate for Convert {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let input = self.input.evaluate_in(scope)?;
        let target = self.to.evaluate_in(scope)?;
        if is_nullish(&input) {
            return self.on_null.as_ref().map_or(Ok(Bson::Null), |value| value.evaluate_in(scope));
        }
        let number = match &target {
            Bson::String(name) => type_number_of_name(name)
                .ok_or_else(|| Error::bad_value(format!("Unknown type name: {name}")))?,
            value if is_nullish(value) => return Ok(Bson::Null),
            value => Number::of(value)
                .and_then(Number::to_i64_exact)
                .and_then(|code| i32::try_from(code).ok())
                .ok_or_else(|| {
                    Error::failed_to_parse("$convert's 'to' argument must be a string or number")
                })?,
        };
        match (to(number, &input), &self.on_error) {
            (Err(_), Some(on_error)) => on_error.evaluate_in(scope),
            (result, _) => result,
        }
    }
}

fn failure(value: &Bson, target: &str, why: &str) -> Error {
    let message = format!(
        "Failed to convert {} of type {} to {target} in $convert: {why}",
        crate::language::value::describe(value),
        type_name(value)
    );
    Error::new(Code::ConversionFailure, message)
}

/// Converts a value to the type of a number; null stays null.
fn to(target: i32, value: &Bson) -> Result<Bson> {
    if is_nullish(value) {
        return Ok(Bson::Null);
    }
    match target {
        1 => to_number(
            value,
            "double",
            |number| Some(Bson::Double(number.to_f64())),
            |text| text.parse().ok().map(Bson::Double),
        ),
        2 => to_text(value).map(Bson::String),
        7 => to_object_id(value),
        8 => Ok(Bson::Boolean(super::truthy(value))),
        9 => to_date(value),
        16 => {
            let narrow = |whole: i64| i32::try_from(whole).ok().map(Bson::Int32);
            to_number(
                value,
                "int",
                |number| number.to_i64_truncated().and_then(narrow),
                |text| text.parse().ok().map(Bson::Int32),
            )
        }
        18 => to_number(
            value,
            "long",
            |number| number.to_i64_truncated().map(Bson::Int64),
            |text| text.parse().ok().map(Bson::Int64),
        ),
        19 => {
            let stored = |decimal: Decimal| Bson::Decimal128(decimal.to_stored());
            to_number(
                value,
                "decimal",
                |number| Some(stored(number.to_decimal())),
                |text| Decimal::parse(text).map(stored),
            )
        }
        other => {
            let kind = type_name(value);
            let message = format!(
                "Unsupported conversion from {kind} to type {other} in $convert with no onError value"
            );
            Err(Error::new(Code::ConversionFailure, message))
        }
    }
}

fn to_number(
    value: &Bson,
    target: &str,
    convert: impl Fn(Number) -> Option<Bson>,
    parse: impl Fn(&str) -> Option<Bson>,
) -> Result<Bson> {
    let converted = match value {
        Bson::Boolean(value) => convert(Number::Int32(i32::from(*value))),
        Bson::String(text) => parse(text),
        Bson::DateTime(date) if target != "int" => convert(Number::Int64(date.timestamp_millis())),
        other => match Number::of(other) {
            Some(number) => convert(number),
            None => return Err(failure(value, target, "unsupported conversion")),
        },
    };
    converted.ok_or_else(|| failure(value, target, "the value does not fit or is not a number"))
}

/// The text of a simple value.
pub(super) fn to_text(value: &Bson) -> Result<String> {
    Ok(match value {
        Bson::String(text) | Bson::Symbol(text) => text.clone(),
        Bson::Int32(value) => value.to_string(),
        Bson::Int64(value) => value.to_string(),
        Bson::Double(value) => double_text(*value),
        Bson::Decimal128(value) => value.to_string(),
        Bson::Boolean(value) => value.to_string(),
        Bson::ObjectId(id) => id.to_hex(),
        Bson::DateTime(date) => date::iso_text(date.timestamp_millis()),
        other => return Err(failure(other, "string", "unsupported conversion")),
    })
}

fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value != 0.0 && !(1e-5..1e17).contains(&value.abs()) {
        let text = format!("{value:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    format!("{value}")
}

fn to_object_id(value: &Bson) -> Result<Bson> {
    match value {
        Bson::ObjectId(_) => Ok(value.clone()),
        Bson::String(text) => ObjectId::parse_str(text)
            .map(Bson::ObjectId)
            .map_err(|_| failure(value, "objectId", "an object id has 24 hexadecimal digits")),
        _ => Err(failure(value, "objectId", "unsupported conversion")),
    }
}

fn to_date(value: &Bson) -> Result<Bson> {
    let millis = match value {
        Bson::DateTime(_) => return Ok(value.clone()),
        Bson::ObjectId(id) => return Ok(Bson::DateTime(id.timestamp())),
        Bson::Timestamp(timestamp) => Some(i64::from(timestamp.time) * 1000),
        Bson::String(text) => date::parse_iso(text, 0),
        Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => {
            Number::of(value).and_then(Number::to_i64_truncated)
        }
        _ => return Err(failure(value, "date", "unsupported conversion")),
    };
    let millis = millis.ok_or_else(|| failure(value, "date", "the text is no date"))?;
    Ok(Bson::DateTime(DateTime::from_millis(millis)))
}
