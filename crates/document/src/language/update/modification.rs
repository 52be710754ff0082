//! One modification of an update: a path and the change at its end.

use super::array_change::{AddToSet, Pull, Push};
use super::array_filter::ArrayFilters;
use super::number_change::{self, BitChange};
use super::path::UpdatePath;
use super::walk;
use super::{Changed, UpdateContext};
use crate::error::{Error, Result};
use crate::language::value::{Number, compare};
use bson::{Bson, DateTime, Document, Timestamp};
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) struct Modification {
    pub(super) path: UpdatePath,
    pub(super) change: Change,
}

/// What happens to the value at the end of a path.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Set(Bson),
    SetOnInsert(Bson),
    Unset,
    Increment(Bson),
    Multiply(Bson),
    Minimum(Bson),
    Maximum(Bson),
    CurrentDate { timestamp: bool },
    Rename(UpdatePath),
    Push(Push),
    AddToSet(AddToSet),
    Pop { first: bool },
    Pull(Pull),
    Bit(BitChange),
}

/// What a change makes of a value.
pub(super) enum Outcome {
    /// The value as it is to be.
    Value(Bson),
    /// The value goes away; where there was none, nothing is made.
    Nothing,
}

impl Modification {
    pub(super) fn apply(
        &self,
        document: &mut Document,
        filters: &ArrayFilters,
        context: &UpdateContext,
    ) -> Result<Changed> {
        match &self.change {
            Change::SetOnInsert(_) if !context.is_insert => Ok(Changed::No),
            Change::Rename(to) => walk::rename(document, &self.path, to),
            change => {
                let site = walk::Site { path: &self.path, change, filters, context };
                walk::apply(document, &site)?;
                Ok(Changed::Yes)
            }
        }
    }
}

impl Change {
    /// Whether the change makes a value (and the documents on the way) where there is none.
    pub(super) fn creates(&self) -> bool {
        !matches!(self, Change::Unset | Change::Pop { .. } | Change::Pull(_))
    }

    /// The new value, given the old one and the name of its field.
    pub(super) fn apply(&self, old: Option<Bson>, field: &str, context: &UpdateContext) -> Result<Outcome> {
        let new = match self {
            Change::Set(value) | Change::SetOnInsert(value) => value.clone(),
            Change::Unset | Change::Rename(_) => return Ok(Outcome::Nothing),
            Change::Increment(by) => number_change::increment(old, by, field)?,
            Change::Multiply(by) => number_change::multiply(old, by, field)?,
            Change::Minimum(bound) => bounded(old, bound, Ordering::Less),
            Change::Maximum(bound) => bounded(old, bound, Ordering::Greater),
            Change::CurrentDate { timestamp: false } => Bson::DateTime(context.variables.now()),
            Change::CurrentDate { timestamp: true } => Bson::Timestamp(timestamp(context.variables.now())),
            Change::Push(push) => push.apply(old, field)?,
            Change::AddToSet(add) => add.apply(old, field)?,
            Change::Pop { first } => return pop(old, *first, field),
            Change::Pull(pull) => match old {
                None => return Ok(Outcome::Nothing),
                Some(old) => pull.apply(old)?,
            },
            Change::Bit(change) => change.apply(old, field)?,
        };
        Ok(Outcome::Value(new))
    }
}

fn bounded(old: Option<Bson>, bound: &Bson, wanted: Ordering) -> Bson {
    match old {
        Some(old) if compare(bound, &old) != wanted => old,
        _ => bound.clone(),
    }
}

fn timestamp(now: DateTime) -> Timestamp {
    let seconds = now.timestamp_millis().div_euclid(1000);
    Timestamp { time: u32::try_from(seconds).unwrap_or(0), increment: 1 }
}

fn pop(old: Option<Bson>, first: bool, field: &str) -> Result<Outcome> {
    match old {
        None => Ok(Outcome::Nothing),
        Some(Bson::Array(mut elements)) => {
            if first && !elements.is_empty() {
                elements.remove(0);
            } else {
                elements.pop();
            }
            Ok(Outcome::Value(Bson::Array(elements)))
        }
        Some(other) => {
            let kind = crate::language::value::type_name(&other);
            Err(Error::type_mismatch(format!(
                "Path '{field}' contains an element of non-array type '{kind}'"
            )))
        }
    }
}

/// The integer in an argument, whatever numeric type it came as.
pub(super) fn whole(value: &Bson) -> Option<i64> {
    Number::of(value).and_then(Number::to_i64_exact)
}
