//! Arithmetic on dates in calendar units: `$dateAdd`, `$dateSubtract`, `$dateDiff`, `$dateTrunc`.

use super::calendar::{self, Civil, DAY};
use super::{millis, offset};
use crate::error::{Error, Result};
use crate::language::expression::operator::Operator;
use crate::language::value::{Number, describe, is_nullish};
use bson::{Bson, DateTime};

pub(in crate::language::expression) const OPERATORS: &[Operator] = &[
    Operator::named("$dateAdd", &["startDate", "unit", "amount"], &["timezone"], |values| {
        add("$dateAdd", values, 1)
    }),
    Operator::named("$dateSubtract", &["startDate", "unit", "amount"], &["timezone"], |values| {
        add("$dateSubtract", values, -1)
    }),
    Operator::named("$dateDiff", &["startDate", "endDate", "unit"], &["timezone", "startOfWeek"], difference),
    Operator::named("$dateTrunc", &["date", "unit"], &["binSize", "timezone", "startOfWeek"], truncate),
];

/// A unit is a number of months or a number of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Months(i64),
    Week,
    Millis(i64),
}

fn unit(operator: &str, value: &Bson) -> Result<Option<Unit>> {
    Ok(Some(match value {
        value if is_nullish(value) => return Ok(None),
        Bson::String(name) => match name.as_str() {
            "year" => Unit::Months(12),
            "quarter" => Unit::Months(3),
            "month" => Unit::Months(1),
            "week" => Unit::Week,
            "day" => Unit::Millis(DAY),
            "hour" => Unit::Millis(3_600_000),
            "minute" => Unit::Millis(60_000),
            "second" => Unit::Millis(1000),
            "millisecond" => Unit::Millis(1),
            other => {
                return Err(Error::failed_to_parse(format!(
                    "unknown time unit value: {other} of {operator}"
                )));
            }
        },
        other => {
            let message = format!("{operator} requires 'unit' to be a string, but got {}", describe(other));
            return Err(Error::location(5439013, message));
        }
    }))
}

fn overflow() -> Error {
    Error::location(5976500, "the resulting date is out of range")
}

fn add(operator: &str, values: &[Bson], sign: i64) -> Result<Bson> {
    let start = millis(operator, &values[0])?;
    let unit = unit(operator, &values[1])?;
    let offset = offset(operator, &values[3])?;
    let (Some(start), Some(unit), Some(offset), false) = (start, unit, offset, is_nullish(&values[2])) else {
        return Ok(Bson::Null);
    };
    let amount = Number::of(&values[2]).and_then(Number::to_i64_exact).ok_or_else(|| {
        let given = describe(&values[2]);
        Error::location(5166405, format!("{operator} expects integer amount of time units, found {given}"))
    })?;
    let amount = amount.checked_mul(sign).ok_or_else(overflow)?;
    let result = match unit {
        Unit::Months(months) => {
            let months = amount.checked_mul(months).filter(|months| months.abs() < 10_000_000);
            Some(calendar::add_months(start + offset, months.ok_or_else(overflow)?) - offset)
        }
        Unit::Week => amount.checked_mul(7 * DAY).and_then(|by| start.checked_add(by)),
        Unit::Millis(size) => amount.checked_mul(size).and_then(|by| start.checked_add(by)),
    };
    Ok(Bson::DateTime(DateTime::from_millis(result.ok_or_else(overflow)?)))
}

/// The number of a weekday, Monday being 0; the default is Sunday.
fn start_of_week(value: &Bson) -> Result<i64> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    match value {
        Bson::Undefined => Ok(6),
        Bson::String(name) => {
            let short: String = name.to_lowercase().chars().take(3).collect();
            let found = DAYS.iter().position(|day| *day == short);
            found
                .map(|day| day as i64)
                .ok_or_else(|| Error::failed_to_parse(format!("unknown day of week value: {name}")))
        }
        other => {
            Err(Error::location(5439016, format!("'startOfWeek' must be a string, not {}", describe(other))))
        }
    }
}

/// The number of the week since one that begins on the wanted day.
fn week_number(millis: i64, first_day: i64) -> i64 {
    // 1 January 1970 was a Thursday, 3 days after a Monday.
    (millis.div_euclid(DAY) + 3 - first_day).div_euclid(7)
}

fn difference(values: &[Bson]) -> Result<Bson> {
    let (start, end) = (millis("$dateDiff", &values[0])?, millis("$dateDiff", &values[1])?);
    let (unit, offset) = (unit("$dateDiff", &values[2])?, offset("$dateDiff", &values[3])?);
    let (Some(start), Some(end), Some(unit), Some(offset)) = (start, end, unit, offset) else {
        return Ok(Bson::Null);
    };
    let (start, end) = (start.saturating_add(offset), end.saturating_add(offset));
    Ok(Bson::Int64(match unit {
        Unit::Months(months) => month_number(end).div_euclid(months) - month_number(start).div_euclid(months),
        Unit::Week => {
            let first = start_of_week(&values[4])?;
            week_number(end, first) - week_number(start, first)
        }
        Unit::Millis(size) => end.div_euclid(size) - start.div_euclid(size),
    }))
}

fn month_number(millis: i64) -> i64 {
    let civil = Civil::of(millis);
    civil.year * 12 + civil.month - 1
}

/// Bins are counted from 1 January 2000, weeks from the first of them that begins on the wanted day.
fn truncate(values: &[Bson]) -> Result<Bson> {
    let (date, unit) = (millis("$dateTrunc", &values[0])?, unit("$dateTrunc", &values[1])?);
    let offset = offset("$dateTrunc", &values[3])?;
    let (Some(date), Some(unit), Some(offset)) = (date, unit, offset) else { return Ok(Bson::Null) };
    let size = match &values[2] {
        Bson::Undefined => 1,
        Bson::Null => return Ok(Bson::Null),
        given => Number::of(given)
            .and_then(Number::to_i64_exact)
            .filter(|size| (1..=100_000_000).contains(size))
            .ok_or_else(|| {
                Error::location(5439018, "$dateTrunc requires 'binSize' to be a positive integer")
            })?,
    };
    let local = date.saturating_add(offset);
    let origin = calendar::days_from_civil(2000, 1, 1) * DAY;
    let truncated = match unit {
        Unit::Months(months) => {
            let bin = months * size;
            let months = (month_number(local) - 24_000).div_euclid(bin) * bin;
            calendar::millis_from_parts(2000, 1 + months, 1, 0)
        }
        Unit::Week => {
            let first = start_of_week(&values[4])?;
            let reference = week_number(origin + 6 * DAY, first);
            let weeks = (week_number(local, first) - reference).div_euclid(size) * size + reference;
            (weeks * 7 + first - 3) * DAY
        }
        Unit::Millis(unit) => {
            let bin = unit * size;
            (local - origin).div_euclid(bin) * bin + origin
        }
    };
    Ok(Bson::DateTime(DateTime::from_millis(truncated - offset)))
}
