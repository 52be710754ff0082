//! What a condition means in an index: intervals of encoded values.

use bson::Bson;

use super::predicate::Condition;
use crate::language::key::{Direction, bracket_bounds, encode_value};
use crate::language::value::Number;
use crate::store::after_prefix;

/// Encoded values `start <= key < end` of one path, in the order of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    /// One value only.
    pub(super) is_point: bool,
    /// The ends in words, for explain: `[5` and `9)`.
    words: (String, String),
}

impl Interval {
    /// The interval as explain shows it, such as `[5, 9)`.
    pub(crate) fn show(&self) -> String {
        format!("{}, {}", self.words.0, self.words.1)
    }

    /// What lies in both; none if nothing does.
    fn intersect(&self, other: &Interval) -> Option<Interval> {
        let low = if self.start >= other.start { self } else { other };
        let high = if self.end <= other.end { self } else { other };
        (low.start < high.end).then(|| Interval {
            start: low.start.clone(),
            end: high.end.clone(),
            is_point: self.is_point || other.is_point,
            words: (low.words.0.clone(), high.words.1.clone()),
        })
    }
}

/// The intervals that one path of an index is bounded to: sorted, not overlapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldBounds {
    pub(crate) intervals: Vec<Interval>,
    /// Whether a document whose (single) value lies within fulfils the condition for sure.
    pub(super) is_exact: bool,
    /// Whether a document that lacks the path may fulfil the condition.
    pub(super) admits_missing: bool,
}

impl FieldBounds {
    /// The bounds that a condition sets; none if it sets none.
    pub(super) fn of(condition: &Condition<'_>, direction: Direction) -> Option<FieldBounds> {
        match condition {
            Condition::OneOf(values) => FieldBounds::points(values, direction),
            Condition::Above { value, inclusive } => FieldBounds::range(value, *inclusive, true, direction),
            Condition::Below { value, inclusive } => FieldBounds::range(value, *inclusive, false, direction),
        }
    }

    pub(super) fn is_points(&self) -> bool {
        self.intervals.iter().all(|interval| interval.is_point)
    }

    pub(super) fn is_single_point(&self) -> bool {
        self.intervals.len() == 1 && self.is_points()
    }

    /// What both allow. Only right where a document has one value on the path.
    pub(super) fn intersect(&self, other: &FieldBounds) -> FieldBounds {
        let pairs = self.intervals.iter().flat_map(|a| other.intervals.iter().map(move |b| (a, b)));
        FieldBounds {
            intervals: pairs.filter_map(|(a, b)| a.intersect(b)).collect(),
            is_exact: self.is_exact && other.is_exact,
            admits_missing: self.admits_missing && other.admits_missing,
        }
    }

    fn points(values: &[&Bson], direction: Direction) -> Option<FieldBounds> {
        let mut bounds = FieldBounds { intervals: Vec::new(), is_exact: true, admits_missing: false };
        for value in values {
            match value {
                // An array may be the value itself or an element of it; a regular expression matches many.
                Bson::Array(_) | Bson::RegularExpression(_) | Bson::Undefined => return None,
                Bson::Null => {
                    bounds.intervals.push(point(&Bson::Null, direction)?);
                    bounds.intervals.push(point(&Bson::Undefined, direction)?);
                    bounds.is_exact = false;
                    bounds.admits_missing = true;
                }
                value => bounds.intervals.push(point(value, direction)?),
            }
        }
        bounds.intervals.sort_by(|a, b| a.start.cmp(&b.start));
        bounds.intervals.dedup_by(|a, b| a.start == b.start);
        Some(bounds)
    }

    fn range(value: &Bson, inclusive: bool, is_above: bool, direction: Direction) -> Option<FieldBounds> {
        let is_ordered_scalar = Number::of(value).is_some()
            || matches!(
                value,
                Bson::String(_)
                    | Bson::ObjectId(_)
                    | Bson::DateTime(_)
                    | Bson::Timestamp(_)
                    | Bson::Boolean(_)
                    | Bson::Binary(_)
            );
        if !is_ordered_scalar {
            return None;
        }
        let (bracket_start, bracket_end) = bracket_bounds(value, direction);
        let at = point(value, direction)?;
        let is_upward = is_above == (direction == Direction::Ascending);
        let brackets = if inclusive { ("[", "]") } else { ("(", ")") };
        let (start, end) = match (is_upward, inclusive) {
            (true, true) => (at.start, bracket_end),
            (true, false) => (at.end, bracket_end),
            (false, true) => (bracket_start, at.end),
            (false, false) => (bracket_start, at.start),
        };
        let open = if is_above { "inf" } else { "-inf" };
        let words = if is_upward {
            (format!("{}{value}", brackets.0), format!("{open}]"))
        } else {
            (format!("[{open}"), format!("{value}{}", brackets.1))
        };
        let interval = Interval { start, end, is_point: false, words };
        // NaN lies in the bracket of numbers, but is neither above nor below any.
        let may_meet_nan = Number::of(value).is_some_and(|number| number.is_nan() || !is_above);
        Some(FieldBounds {
            intervals: if interval.start < interval.end { vec![interval] } else { Vec::new() },
            is_exact: !may_meet_nan,
            admits_missing: false,
        })
    }
}

fn point(value: &Bson, direction: Direction) -> Option<Interval> {
    let mut start = Vec::new();
    encode_value(value, direction, &mut start);
    let end = after_prefix(&start)?;
    Some(Interval { start, end, is_point: true, words: (format!("[{value}"), format!("{value}]")) })
}
