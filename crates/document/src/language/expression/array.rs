//! Array expressions whose arguments are plain values.

use super::operator::Operator;
use crate::error::{Error, Result};
use crate::language::sort::SortPattern;
use crate::language::value::{Number, compare, describe, equal, is_nullish, type_name};
use bson::{Bson, Document};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::values("$arrayElemAt", 2, 2, element_at),
    Operator::values("$first", 1, 1, |values| end("$first", &values[0], false)),
    Operator::values("$last", 1, 1, |values| end("$last", &values[0], true)),
    Operator::values("$size", 1, 1, size),
    Operator::values("$isArray", 1, 1, |values| Ok(Bson::Boolean(matches!(values[0], Bson::Array(_))))),
    Operator::values("$slice", 2, 3, slice),
    Operator::any("$concatArrays", concat),
    Operator::values("$in", 2, 2, contains),
    Operator::values("$indexOfArray", 2, 4, index_of),
    Operator::values("$reverseArray", 1, 1, reverse),
    Operator::values("$range", 2, 3, range),
    Operator::named("$zip", &["inputs"], &["useLongestLength", "defaults"], zip),
    Operator::named("$sortArray", &["input", "sortBy"], &[], sort),
    Operator::named("$firstN", &["input", "n"], &[], |values| some("$firstN", values, false)),
    Operator::named("$lastN", &["input", "n"], &[], |values| some("$lastN", values, true)),
    Operator::named("$minN", &["input", "n"], &[], |values| smallest("$minN", values, false)),
    Operator::named("$maxN", &["input", "n"], &[], |values| smallest("$maxN", values, true)),
];

/// How many numbers `$range` may make.
const MAX_RANGE: i64 = 4 << 20;

fn array<'a>(operator: &str, code: i32, value: &'a Bson) -> Result<&'a [Bson]> {
    let message = || format!("{operator} requires an array as an argument, found: {}", type_name(value));
    value.as_array().map(Vec::as_slice).ok_or_else(|| Error::location(code, message()))
}

fn whole(operator: &str, code: i32, value: &Bson) -> Result<i64> {
    Number::of(value).and_then(Number::to_i64_exact).ok_or_else(|| {
        Error::location(code, format!("{operator} requires an integral value, found: {}", describe(value)))
    })
}

fn element_at(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let elements = array("$arrayElemAt", 28689, &values[0])?;
    let place = whole("$arrayElemAt", 28691, &values[1])?;
    let place = if place < 0 { place.saturating_add(elements.len() as i64) } else { place };
    Ok(usize::try_from(place).ok().and_then(|place| elements.get(place)).cloned().unwrap_or(Bson::Undefined))
}

fn end(operator: &str, value: &Bson, last: bool) -> Result<Bson> {
    if is_nullish(value) {
        return Ok(Bson::Null);
    }
    let elements = array(operator, 28689, value)?;
    Ok(if last { elements.last() } else { elements.first() }.cloned().unwrap_or(Bson::Undefined))
}

fn size(values: &[Bson]) -> Result<Bson> {
    let message =
        || format!("The argument to $size must be an array, but was of type: {}", type_name(&values[0]));
    let elements = values[0].as_array().ok_or_else(|| Error::location(17124, message()))?;
    Ok(Bson::Int32(elements.len() as i32))
}

fn slice(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let elements = array("$slice", 28724, &values[0])?;
    let size = elements.len() as i64;
    let first = whole("$slice", 28725, &values[1])?;
    let (start, count) = match values.get(2) {
        None if first < 0 => (size.saturating_add(first).max(0), size),
        None => (0, first),
        Some(count) => {
            let count = whole("$slice", 28727, count)?;
            if count <= 0 {
                return Err(Error::location(
                    28729,
                    format!("Third argument to $slice must be positive: {count}"),
                ));
            }
            (if first < 0 { size.saturating_add(first).max(0) } else { first.min(size) }, count)
        }
    };
    Ok(elements.iter().skip(start as usize).take(count as usize).cloned().collect())
}

fn concat(values: &[Bson]) -> Result<Bson> {
    let mut joined = Vec::new();
    for value in values {
        match value {
            Bson::Array(elements) => joined.extend(elements.iter().cloned()),
            value if is_nullish(value) => return Ok(Bson::Null),
            other => {
                let message = format!("$concatArrays only supports arrays, not {}", type_name(other));
                return Err(Error::location(28664, message));
            }
        }
    }
    Ok(Bson::Array(joined))
}

fn contains(values: &[Bson]) -> Result<Bson> {
    let message = || format!("$in requires an array as a second argument, found: {}", type_name(&values[1]));
    let elements = values[1].as_array().ok_or_else(|| Error::location(40081, message()))?;
    Ok(Bson::Boolean(elements.iter().any(|element| equal(element, &values[0]))))
}

fn index_of(values: &[Bson]) -> Result<Bson> {
    if is_nullish(&values[0]) {
        return Ok(Bson::Null);
    }
    let elements = array("$indexOfArray", 40090, &values[0])?;
    let bound = |value: Option<&Bson>, otherwise: usize| match value {
        None => Ok(otherwise),
        Some(value) => {
            let place = whole("$indexOfArray", 40096, value)?;
            let message = format!("$indexOfArray requires a nonnegative index, found: {place}");
            usize::try_from(place).map_err(|_| Error::location(40097, message))
        }
    };
    let start = bound(values.get(2), 0)?;
    let end = bound(values.get(3), elements.len())?.min(elements.len());
    let found = (start..end).find(|place| equal(&elements[*place], &values[1]));
    Ok(Bson::Int32(found.map_or(-1, |place| place as i32)))
}

fn reverse(values: &[Bson]) -> Result<Bson> {
    if is_nullish(&values[0]) {
        return Ok(Bson::Null);
    }
    Ok(array("$reverseArray", 34435, &values[0])?.iter().rev().cloned().collect())
}

fn range(values: &[Bson]) -> Result<Bson> {
    let start = whole("$range", 34443, &values[0])?;
    let end = whole("$range", 34445, &values[1])?;
    let step = values.get(2).map_or(Ok(1), |step| whole("$range", 34447, step))?;
    if step == 0 {
        return Err(Error::location(34449, "$range requires a non-zero step value"));
    }
    let narrow = |value: i64, code: i32| {
        i32::try_from(value).map_err(|_| Error::location(code, "$range requires values that fit 32 bits"))
    };
    let (start, end, step) = (narrow(start, 34444)?, narrow(end, 34446)?, narrow(step, 34448)?);
    let count = (i64::from(end) - i64::from(start)) / i64::from(step);
    if count > MAX_RANGE {
        let message = format!("$range would make more than {MAX_RANGE} values");
        return Err(Error::new(crate::Code::ExceededMemoryLimit, message));
    }
    let numbers = std::iter::successors(Some(i64::from(start)), |last| Some(last + i64::from(step)));
    let within = |number: &i64| if step > 0 { *number < i64::from(end) } else { *number > i64::from(end) };
    Ok(numbers.take_while(within).map(|number| Bson::Int32(number as i32)).collect())
}

fn zip(values: &[Bson]) -> Result<Bson> {
    let Bson::Array(inputs) = &values[0] else {
        return Err(Error::location(
            34461,
            format!("inputs must be an array of expressions, found {}", type_name(&values[0])),
        ));
    };
    if inputs.is_empty() {
        return Err(Error::location(34465, "$zip requires at least one input array"));
    }
    if inputs.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let arrays = inputs.iter().map(|input| array("$zip", 34468, input)).collect::<Result<Vec<_>>>()?;
    let longest = matches!(values[1], Bson::Boolean(true));
    let defaults = match &values[2] {
        Bson::Undefined => None,
        Bson::Array(defaults) if !longest => {
            let _ = defaults;
            return Err(Error::location(34466, "cannot specify defaults unless useLongestLength is true"));
        }
        Bson::Array(defaults) if defaults.len() != inputs.len() => {
            return Err(Error::location(34467, "defaults and inputs must have the same length"));
        }
        Bson::Array(defaults) => Some(defaults),
        _ => return Err(Error::location(34462, "defaults must be an array of expressions")),
    };
    let lengths = arrays.iter().map(|elements| elements.len());
    let length = if longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
    let row = |place: usize| {
        let column = |(at, elements): (usize, &&[Bson])| {
            let default = || defaults.and_then(|defaults| defaults.get(at)).cloned().unwrap_or(Bson::Null);
            elements.get(place).cloned().unwrap_or_else(default)
        };
        Bson::Array(arrays.iter().enumerate().map(column).collect())
    };
    Ok((0..length).map(row).collect())
}

fn sort(values: &[Bson]) -> Result<Bson> {
    if is_nullish(&values[0]) {
        return Ok(Bson::Null);
    }
    let mut elements = values[0].as_array().cloned().ok_or_else(|| {
        Error::location(
            2942504,
            format!(
                "The input argument to $sortArray must be an array, but was of type: {}",
                type_name(&values[0])
            ),
        )
    })?;
    match &values[1] {
        Bson::Document(pattern) => {
            let pattern = SortPattern::parse(pattern)?;
            let empty = Document::new();
            elements.sort_by(|a, b| {
                pattern.compare(a.as_document().unwrap_or(&empty), b.as_document().unwrap_or(&empty))
            });
        }
        direction => match whole("$sortArray", 2942505, direction)? {
            1 => elements.sort_by(compare),
            -1 => elements.sort_by(|a, b| compare(b, a)),
            _ => return Err(Error::location(2942505, "sortBy of $sortArray must be 1, -1 or an object")),
        },
    }
    Ok(Bson::Array(elements))
}

fn count(operator: &str, value: &Bson) -> Result<usize> {
    let wanted = whole(operator, 5787902, value)?;
    let message = format!("'n' of {operator} must be greater than 0, found {wanted}");
    usize::try_from(wanted).ok().filter(|wanted| *wanted > 0).ok_or_else(|| Error::location(5787908, message))
}

fn some(operator: &str, values: &[Bson], last: bool) -> Result<Bson> {
    let elements = array(operator, 5788200, &values[0])?;
    let wanted = count(operator, &values[1])?.min(elements.len());
    let part = if last { &elements[elements.len() - wanted..] } else { &elements[..wanted] };
    Ok(Bson::Array(part.to_vec()))
}

fn smallest(operator: &str, values: &[Bson], largest: bool) -> Result<Bson> {
    let mut elements = array(operator, 5788200, &values[0])?.to_vec();
    elements.retain(|element| !is_nullish(element));
    elements.sort_by(|a, b| if largest { compare(b, a) } else { compare(a, b) });
    elements.truncate(count(operator, &values[1])?);
    Ok(Bson::Array(elements))
}
