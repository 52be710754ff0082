//! Date expressions. Times are UTC; a zone is an offset such as `+02:00` (names of regions are absent).

mod calendar;
mod format;
mod parts;
mod units;

pub(super) use format::{iso_text, parse_iso};
pub(super) use parts::OPERATORS as PARTS;
pub(super) use units::OPERATORS as UNITS;

use crate::error::{Error, Result};
use crate::language::value::{is_nullish, type_name};
use bson::Bson;

/// The milliseconds of what counts as a date: a date, a timestamp, or an object id's time.
fn millis(operator: &str, value: &Bson) -> Result<Option<i64>> {
    match value {
        value if is_nullish(value) => Ok(None),
        Bson::DateTime(date) => Ok(Some(date.timestamp_millis())),
        Bson::Timestamp(timestamp) => Ok(Some(i64::from(timestamp.time) * 1000)),
        Bson::ObjectId(id) => Ok(Some(id.timestamp().timestamp_millis())),
        other => {
            let message = format!("{operator}: can't convert from BSON type {} to Date", type_name(other));
            Err(Error::location(16006, message))
        }
    }
}

/// The offset of a zone in milliseconds; `None` for null.
fn offset(operator: &str, zone: &Bson) -> Result<Option<i64>> {
    match zone {
        Bson::Undefined => Ok(Some(0)),
        Bson::Null => Ok(None),
        Bson::String(zone) => {
            let unknown = || {
                let message = format!(
                    "{operator}: unrecognized time zone identifier: \"{zone}\"; this server knows \
                     offsets such as \
                     +02:00, and UTC"
                );
                Error::location(40485, message)
            };
            format::parse_zone(zone).map(Some).ok_or_else(unknown)
        }
        other => {
            let message = format!(
                "{operator} requires a string for the timezone argument, but was given a {}",
                type_name(other)
            );
            Err(Error::location(40517, message))
        }
    }
}
