//! Dates as text: formats such as `%Y-%m-%d`, ISO 8601, and zones given as offsets.

use super::calendar::{self, Civil, DAY};
use crate::error::{Error, Result};
use std::fmt::Write;

/// `2024-02-29T12:00:00.000Z`.
pub(in crate::language::expression) fn iso_text(millis: i64) -> String {
    format(millis, 0, "%Y-%m-%dT%H:%M:%S.%LZ").unwrap_or_default()
}

/// Writes a date in a format of percent letters.
pub(super) fn format(millis: i64, offset: i64, format: &str) -> Result<String> {
    let civil = Civil::of(millis.saturating_add(offset));
    let mut text = String::with_capacity(format.len() + 16);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        // Writing into a string cannot fail.
        let _infallible = match letters.next() {
            Some('Y') if !(0..=9999).contains(&civil.year) => {
                let message =
                    format!("$dateToString is only defined on year 0-9999, tried to use year {}", civil.year);
                return Err(Error::location(18537, message));
            }
            Some('Y') => write!(text, "{:04}", civil.year),
            Some('m') => write!(text, "{:02}", civil.month),
            Some('d') => write!(text, "{:02}", civil.day),
            Some('H') => write!(text, "{:02}", civil.hour),
            Some('M') => write!(text, "{:02}", civil.minute),
            Some('S') => write!(text, "{:02}", civil.second),
            Some('L') => write!(text, "{:03}", civil.millisecond),
            Some('j') => write!(text, "{:03}", civil.day_of_year()),
            Some('w') => write!(text, "{}", civil.day_of_week()),
            Some('u') => write!(text, "{}", civil.iso_day_of_week()),
            Some('U') => write!(text, "{:02}", civil.week()),
            Some('V') => write!(text, "{:02}", civil.iso_week().1),
            Some('G') => write!(text, "{:04}", civil.iso_week().0),
            Some('b') => write!(text, "{}", &MONTHS[(civil.month - 1) as usize][..3]),
            Some('B') => write!(text, "{}", MONTHS[(civil.month - 1) as usize]),
            Some('z') => {
                let minutes = offset.abs() / 60_000;
                let sign = if offset < 0 { '-' } else { '+' };
                write!(text, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            Some('Z') => write!(text, "{}", offset / 60_000),
            Some('%') => write!(text, "%"),
            _ => {
                return Err(Error::location(
                    18536,
                    format!("Invalid format character in format string: {format}"),
                ));
            }
        };
    }
    Ok(text)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The offset in milliseconds of `UTC`, `Z`, `+hh`, `+hhmm` or `+hh:mm`.
pub(super) fn parse_zone(zone: &str) -> Option<i64> {
    if ["UTC", "GMT", "Z", "Etc/UTC", "Etc/GMT"].contains(&zone) {
        return Some(0);
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let digits = rest.replacen(':', "", 1);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse::<i64>().ok()?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Reads ISO 8601: a date, then perhaps `T` or a blank and a time, then perhaps a zone.
pub(in crate::language::expression) fn parse_iso(text: &str, offset: i64) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=calendar::days_in_month(year, month)).contains(&day)
    {
        return None;
    }
    let (time, zone) = match rest.find(['Z', '+', '-']) {
        Some(at) => (rest[..at].trim(), Some(&rest[at..])),
        None => (rest, None),
    };
    let offset = zone.map_or(Some(offset), parse_zone)?;
    Some(calendar::days_from_civil(year, month, day) * DAY + parse_time(time)? - offset)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn parse_time(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| number(second, 2))?;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || !digits {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(((hour * 60 + minute) * 60 + second) * 1000 + millis)
}
