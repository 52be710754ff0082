//! Parts of dates (`$year`, `$hour`, ...), dates from parts, and dates to and from text.

use super::calendar::{self, Civil};
use super::{format, millis, offset};
use crate::error::{Code, Error, Result};
use crate::language::expression::node::{Evaluate, Expression};
use crate::language::expression::operator::Operator;
use crate::language::expression::parse::{self, ParseScope};
use crate::language::expression::variables::Scope;
use crate::language::value::{Number, describe, is_nullish, type_name};
use bson::{Bson, DateTime, doc};

pub(in crate::language::expression) const OPERATORS: &[Operator] = &[
    Operator::special("$year", |argument, scope| part("$year", argument, scope, |civil| civil.year)),
    Operator::special("$month", |argument, scope| part("$month", argument, scope, |civil| civil.month)),
    Operator::special("$dayOfMonth", |argument, scope| {
        part("$dayOfMonth", argument, scope, |civil| civil.day)
    }),
    Operator::special("$hour", |argument, scope| part("$hour", argument, scope, |civil| civil.hour)),
    Operator::special("$minute", |argument, scope| part("$minute", argument, scope, |civil| civil.minute)),
    Operator::special("$second", |argument, scope| part("$second", argument, scope, |civil| civil.second)),
    Operator::special("$millisecond", |argument, scope| {
        part("$millisecond", argument, scope, |civil| civil.millisecond)
    }),
    Operator::special("$dayOfYear", |argument, scope| {
        part("$dayOfYear", argument, scope, Civil::day_of_year)
    }),
    Operator::special("$dayOfWeek", |argument, scope| {
        part("$dayOfWeek", argument, scope, Civil::day_of_week)
    }),
    Operator::special("$isoDayOfWeek", |argument, scope| {
        part("$isoDayOfWeek", argument, scope, Civil::iso_day_of_week)
    }),
    Operator::special("$week", |argument, scope| part("$week", argument, scope, Civil::week)),
    Operator::special("$isoWeek", |argument, scope| {
        part("$isoWeek", argument, scope, |civil| civil.iso_week().1)
    }),
    Operator::special("$isoWeekYear", |argument, scope| {
        part("$isoWeekYear", argument, scope, |civil| civil.iso_week().0)
    }),
    Operator::named("$dateToString", &["date"], &["format", "timezone", "onNull"], to_string),
    Operator::named(
        "$dateFromString",
        &["dateString"],
        &["timezone", "onError", "onNull", "format"],
        from_string,
    ),
    Operator::named("$dateToParts", &["date"], &["timezone", "iso8601"], to_parts),
    Operator::named(
        "$dateFromParts",
        &["year"],
        &["month", "day", "hour", "minute", "second", "millisecond", "timezone"],
        from_parts,
    ),
];

type Read = fn(&Civil) -> i64;

#[derive(Debug)]
struct Part {
    operator: &'static str,
    date: Expression,
    zone: Expression,
    read: Read,
}

/// Takes a date, or `{date, timezone}`.
fn part(operator: &'static str, argument: &Bson, scope: &ParseScope, read: Read) -> Result<Expression> {
    let mut parts = match argument {
        Bson::Document(given) if !given.keys().next().is_some_and(|name| name.starts_with('$')) => {
            parse::named(operator, argument, &["date"], &["timezone"], scope)?
        }
        other => parse::positional(other, scope)?,
    }
    .into_iter();
    let (Some(date), zone, None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::location(
            40536,
            format!("{operator} accepts exactly one argument if given an array"),
        ));
    };
    let zone = zone.unwrap_or(Expression::Constant(Bson::Undefined));
    Ok(Expression::special(Part { operator, date, zone, read }))
}

impl Evaluate for Part {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let date = millis(self.operator, &self.date.evaluate_in(scope)?)?;
        let offset = offset(self.operator, &self.zone.evaluate_in(scope)?)?;
        let (Some(date), Some(offset)) = (date, offset) else { return Ok(Bson::Null) };
        let value = (self.read)(&Civil::of(date.saturating_add(offset)));
        Ok(if self.operator == "$isoWeekYear" { Bson::Int64(value) } else { Bson::Int32(value as i32) })
    }
}

fn or_null(value: &Bson) -> Bson {
    if *value == Bson::Undefined { Bson::Null } else { value.clone() }
}

fn to_string(values: &[Bson]) -> Result<Bson> {
    let Some(date) = millis("$dateToString", &values[0])? else { return Ok(or_null(&values[3])) };
    let Some(offset) = offset("$dateToString", &values[2])? else { return Ok(Bson::Null) };
    let layout = match &values[1] {
        Bson::Undefined if values[2] == Bson::Undefined => "%Y-%m-%dT%H:%M:%S.%LZ",
        Bson::Undefined => "%Y-%m-%dT%H:%M:%S.%L",
        Bson::Null => return Ok(Bson::Null),
        Bson::String(layout) => layout,
        other => {
            let message =
                format!("$dateToString requires that 'format' be a string, found: {}", type_name(other));
            return Err(Error::location(18533, message));
        }
    };
    format::format(date, offset, layout).map(Bson::String)
}

fn from_string(values: &[Bson]) -> Result<Bson> {
    if values[4] != Bson::Undefined {
        return Err(Error::unsupported("'format' of $dateFromString"));
    }
    let read = || {
        let Bson::String(text) = &values[0] else {
            let message = format!(
                "$dateFromString requires that 'dateString' be a string, found: {}",
                type_name(&values[0])
            );
            return Err(Error::new(Code::ConversionFailure, message));
        };
        let Some(offset) = offset("$dateFromString", &values[1])? else { return Ok(Bson::Null) };
        let parsed = format::parse_iso(text, offset).ok_or_else(|| {
            Error::new(Code::ConversionFailure, format!("Error parsing date string '{text}'"))
        })?;
        Ok(Bson::DateTime(DateTime::from_millis(parsed)))
    };
    if is_nullish(&values[0]) {
        return Ok(or_null(&values[3]));
    }
    match (read(), &values[2]) {
        (Err(_), on_error) if *on_error != Bson::Undefined => Ok(on_error.clone()),
        (result, _) => result,
    }
}

fn to_parts(values: &[Bson]) -> Result<Bson> {
    let date = millis("$dateToParts", &values[0])?;
    let offset = offset("$dateToParts", &values[1])?;
    let (Some(date), Some(offset)) = (date, offset) else { return Ok(Bson::Null) };
    let civil = Civil::of(date.saturating_add(offset));
    let int = |value: i64| value as i32;
    let mut parts = if values[2] == Bson::Boolean(true) {
        let (year, week) = civil.iso_week();
        doc! {"isoWeekYear": int(year), "isoWeek": int(week), "isoDayOfWeek": int(civil.iso_day_of_week())}
    } else {
        doc! {"year": int(civil.year), "month": int(civil.month), "day": int(civil.day)}
    };
    parts.insert("hour", int(civil.hour));
    parts.insert("minute", int(civil.minute));
    parts.insert("second", int(civil.second));
    parts.insert("millisecond", int(civil.millisecond));
    Ok(Bson::Document(parts))
}

fn from_parts(values: &[Bson]) -> Result<Bson> {
    let mut parts = [0, 1, 1, 0, 0, 0, 0];
    for (value, part) in values.iter().zip(&mut parts) {
        match value {
            Bson::Undefined => {}
            Bson::Null => return Ok(Bson::Null),
            value => {
                let whole = Number::of(value).and_then(Number::to_i64_exact);
                // The bound keeps every sum below far from overflow.
                let whole = whole.filter(|whole| whole.abs() <= 1_000_000_000);
                *part = whole.ok_or_else(|| {
                    let given = describe(value);
                    Error::location(
                        40515,
                        format!("$dateFromParts: its parts must be integers in range, found {given}"),
                    )
                })?;
            }
        }
    }
    let [year, month, day, hour, minute, second, millisecond] = parts;
    if !(1..=9999).contains(&year) {
        let message = format!("'year' must evaluate to an integer in the range 1 to 9999, found {year}");
        return Err(Error::location(40523, message));
    }
    let Some(offset) = offset("$dateFromParts", &values[7])? else { return Ok(Bson::Null) };
    let time = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
    let millis = calendar::millis_from_parts(year, month, day, time - offset);
    Ok(Bson::DateTime(DateTime::from_millis(millis)))
}
