//! What a condition means in an index: intervals of encoded values.

use bson::raw::cstr;
use bson::{Bson, Regex};

use crate::language::key::{Direction, bracket_bounds, encode_value};
use crate::language::matcher::Test;
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
    /// The bounds that tests on one value set together; none if they set none.
    pub(super) fn of(tests: &[Test<'_>], direction: Direction) -> Option<FieldBounds> {
        let mut bounds = tests.iter().filter_map(|test| FieldBounds::of_test(test, direction));
        let first = bounds.next()?;
        Some(bounds.fold(first, |all, next| all.intersect(&next)))
    }

    fn of_test(test: &Test<'_>, direction: Direction) -> Option<FieldBounds> {
        match test {
            Test::Equal(value) => FieldBounds::points(std::slice::from_ref(value), direction),
            Test::In(values) => FieldBounds::points(&values.iter().collect::<Vec<_>>(), direction),
            Test::Less(value) => FieldBounds::range(value, false, false, direction),
            Test::LessOrEqual(value) => FieldBounds::range(value, true, false, direction),
            Test::Greater(value) => FieldBounds::range(value, false, true, direction),
            Test::GreaterOrEqual(value) => FieldBounds::range(value, true, true, direction),
            Test::Prefix(prefix) => FieldBounds::prefix(prefix, direction),
            Test::Exists | Test::Missing | Test::Element(_) => None,
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

/// How many bytes end the encoding of a string.
const STRING_END_BYTES: usize = 2;

impl FieldBounds {
    /// The strings that begin with `prefix`, and all regular expressions, as a pattern also finds itself.
    fn prefix(prefix: &str, direction: Direction) -> Option<FieldBounds> {
        let mut start = Vec::new();
        encode_value(&Bson::String(prefix.to_owned()), direction, &mut start);
        start.truncate(start.len() - STRING_END_BYTES);
        let end = after_prefix(&start)?;
        let words = (format!("[\"{prefix}\""), format!("\"{prefix}...\")"));
        let strings = Interval { start, end, is_point: false, words };
        let any = Bson::RegularExpression(Regex { pattern: cstr!("").into(), options: cstr!("").into() });
        let (start, end) = bracket_bounds(&any, direction);
        let words = ("[/-inf/".to_owned(), "/inf/]".to_owned());
        let patterns = Interval { start, end, is_point: false, words };
        let mut intervals = vec![strings, patterns];
        intervals.sort_by(|a, b| a.start.cmp(&b.start));
        Some(FieldBounds { intervals, is_exact: false, admits_missing: false })
    }
}

fn point(value: &Bson, direction: Direction) -> Option<Interval> {
    let mut start = Vec::new();
    encode_value(value, direction, &mut start);
    let end = after_prefix(&start)?;
    Some(Interval { start, end, is_point: true, words: (format!("[{value}"), format!("{value}]")) })
}
