//! String expressions.

use super::operator::Operator;
use crate::error::{Error, Result};
use crate::language::regex;
use crate::language::value::{Number, is_nullish, type_name};
use bson::{Bson, doc};
use std::borrow::Cow;

pub(super) const OPERATORS: &[Operator] = &[
    Operator::any("$concat", concat),
    Operator::values("$toLower", 1, 1, |values| Ok(Bson::String(text_of(&values[0])?.to_ascii_lowercase()))),
    Operator::values("$toUpper", 1, 1, |values| Ok(Bson::String(text_of(&values[0])?.to_ascii_uppercase()))),
    Operator::values("$substr", 3, 3, substring_bytes),
    Operator::values("$substrBytes", 3, 3, substring_bytes),
    Operator::values("$substrCP", 3, 3, substring_characters),
    Operator::values("$strLenBytes", 1, 1, |values| {
        Ok(Bson::Int32(string("$strLenBytes", 34473, &values[0])?.len() as i32))
    }),
    Operator::values("$strLenCP", 1, 1, |values| {
        Ok(Bson::Int32(string("$strLenCP", 34471, &values[0])?.chars().count() as i32))
    }),
    Operator::values("$strcasecmp", 2, 2, |values| {
        let left = text_of(&values[0])?.to_ascii_uppercase();
        Ok(Bson::Int32(left.cmp(&text_of(&values[1])?.to_ascii_uppercase()) as i32))
    }),
    Operator::values("$split", 2, 2, split),
    Operator::values("$indexOfBytes", 2, 4, |values| index_of("$indexOfBytes", values, false)),
    Operator::values("$indexOfCP", 2, 4, |values| index_of("$indexOfCP", values, true)),
    Operator::named("$trim", &["input"], &["chars"], |values| trim("$trim", values, true, true)),
    Operator::named("$ltrim", &["input"], &["chars"], |values| trim("$ltrim", values, true, false)),
    Operator::named("$rtrim", &["input"], &["chars"], |values| trim("$rtrim", values, false, true)),
    Operator::named("$replaceOne", &["input", "find", "replacement"], &[], |values| {
        replace("$replaceOne", values, |input, find, with| input.replacen(find, with, 1))
    }),
    Operator::named("$replaceAll", &["input", "find", "replacement"], &[], |values| {
        replace("$replaceAll", values, |input, find, with| input.replace(find, with))
    }),
    Operator::named("$regexMatch", &["input", "regex"], &["options"], |values| {
        let found = search("$regexMatch", values, Some(1))?;
        Ok(Bson::Boolean(!found.is_empty()))
    }),
    Operator::named("$regexFind", &["input", "regex"], &["options"], |values| {
        Ok(search("$regexFind", values, Some(1))?.pop().unwrap_or(Bson::Null))
    }),
    Operator::named("$regexFindAll", &["input", "regex"], &["options"], |values| {
        Ok(Bson::Array(search("$regexFindAll", values, None)?))
    }),
];

fn string<'a>(operator: &str, code: i32, value: &'a Bson) -> Result<&'a str> {
    match value {
        Bson::String(text) | Bson::Symbol(text) => Ok(text),
        other => {
            let kind = type_name(other);
            Err(Error::location(code, format!("{operator} requires a string argument, found: {kind}")))
        }
    }
}

/// What operators take that turn simple values to text: null becomes empty.
fn text_of(value: &Bson) -> Result<Cow<'_, str>> {
    match value {
        value if is_nullish(value) => Ok(Cow::Borrowed("")),
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => Ok(Cow::Borrowed(text)),
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) | Bson::DateTime(_) => {
            Ok(Cow::Owned(super::convert::to_text(value)?))
        }
        other => {
            let message = format!("can't convert from BSON type {} to String", type_name(other));
            Err(Error::location(16007, message))
        }
    }
}

fn concat(values: &[Bson]) -> Result<Bson> {
    let mut joined = String::new();
    for value in values {
        if is_nullish(value) {
            return Ok(Bson::Null);
        }
        let message = || format!("$concat only supports strings, not {}", type_name(value));
        joined.push_str(value.as_str().ok_or_else(|| Error::location(16702, message()))?);
    }
    Ok(Bson::String(joined))
}

fn whole(operator: &str, code: i32, value: &Bson) -> Result<i64> {
    let number = Number::of(value).and_then(Number::to_i64_truncated);
    number.ok_or_else(|| {
        Error::location(code, format!("{operator}: a numeric argument is needed, not {}", type_name(value)))
    })
}

fn substring_bytes(values: &[Bson]) -> Result<Bson> {
    let text = text_of(&values[0])?;
    let start = whole("$substrBytes", 16034, &values[1])?;
    let length = whole("$substrBytes", 16035, &values[2])?;
    let start = usize::try_from(start)
        .map_err(|_| Error::location(50752, "$substrBytes: starting index must be non-negative"))?;
    if start >= text.len() {
        return Ok(Bson::String(String::new()));
    }
    let end =
        usize::try_from(length).map_or(text.len(), |length| start.saturating_add(length).min(text.len()));
    if !text.is_char_boundary(start) {
        let message = "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.";
        return Err(Error::location(28656, message));
    }
    if !text.is_char_boundary(end) {
        let message = "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.";
        return Err(Error::location(28657, message));
    }
    Ok(Bson::String(text[start..end].to_owned()))
}

fn substring_characters(values: &[Bson]) -> Result<Bson> {
    let text = text_of(&values[0])?;
    let start = whole("$substrCP", 34450, &values[1])?;
    let length = whole("$substrCP", 34452, &values[2])?;
    let start = usize::try_from(start)
        .map_err(|_| Error::location(34455, "$substrCP: the starting index must be nonnegative integer."))?;
    let length = usize::try_from(length)
        .map_err(|_| Error::location(34454, "$substrCP: length must be a nonnegative integer."))?;
    Ok(Bson::String(text.chars().skip(start).take(length).collect()))
}

fn split(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let text = string("$split", 40085, &values[0])?;
    let separator = string("$split", 40086, &values[1])?;
    if separator.is_empty() {
        return Err(Error::location(40087, "$split requires a non-empty separator"));
    }
    Ok(text.split(separator).map(|part| Bson::String(part.to_owned())).collect())
}

fn index_of(operator: &str, values: &[Bson], characters: bool) -> Result<Bson> {
    if is_nullish(&values[0]) {
        return Ok(Bson::Null);
    }
    let (code, code_of_token) = if characters { (40093, 40094) } else { (40091, 40092) };
    let text = string(operator, code, &values[0])?;
    let token = string(operator, code_of_token, &values[1])?;
    let size = if characters { text.chars().count() } else { text.len() };
    let bound = |value: Option<&Bson>, otherwise: usize| match value {
        None => Ok(otherwise),
        Some(value) => {
            let place = whole(operator, 40096, value)?;
            let wrong =
                |_| Error::location(40097, format!("{operator} requires a nonnegative index: {place}"));
            usize::try_from(place).map_err(wrong)
        }
    };
    let start = bound(values.get(2), 0)?;
    let end = bound(values.get(3), size)?.min(size);
    if start > end {
        return Ok(Bson::Int32(-1));
    }
    let byte = |place: usize| {
        if characters { text.char_indices().nth(place).map_or(text.len(), |(at, _)| at) } else { place }
    };
    let (from, to) = (byte(start), byte(end));
    let found =
        text.as_bytes()[from..to].windows(token.len().max(1)).position(|part| part == token.as_bytes());
    let found = if token.is_empty() { Some(0) } else { found };
    Ok(Bson::Int32(found.map_or(-1, |at| {
        let at = from + at;
        (if characters { text[..at].chars().count() } else { at }) as i32
    })))
}

fn trim(operator: &str, values: &[Bson], start: bool, end: bool) -> Result<Bson> {
    if is_nullish(&values[0]) || values[1] == Bson::Null {
        return Ok(Bson::Null);
    }
    let input = string(operator, 50699, &values[0])?;
    let chars = match &values[1] {
        Bson::Undefined => None,
        given => Some(string(operator, 50700, given)?),
    };
    let unwanted = |letter: char| match chars {
        Some(chars) => chars.contains(letter),
        None => letter.is_whitespace() || letter == '\0',
    };
    let trimmed = if start { input.trim_start_matches(unwanted) } else { input };
    let trimmed = if end { trimmed.trim_end_matches(unwanted) } else { trimmed };
    Ok(Bson::String(trimmed.to_owned()))
}

fn replace(operator: &str, values: &[Bson], change: fn(&str, &str, &str) -> String) -> Result<Bson> {
    for (value, (code, name)) in
        values.iter().zip([(51746, "input"), (51745, "find"), (51744, "replacement")])
    {
        if !is_nullish(value) && value.as_str().is_none() {
            let kind = type_name(value);
            return Err(Error::location(
                code,
                format!("{operator} requires that '{name}' be a string, found: {kind}"),
            ));
        }
    }
    match (values[0].as_str(), values[1].as_str(), values[2].as_str()) {
        (Some(input), Some(find), Some(replacement)) => Ok(Bson::String(change(input, find, replacement))),
        _ => Ok(Bson::Null),
    }
}

/// The matches of a regular expression as documents, up to a number of them.
fn search(operator: &str, values: &[Bson], most: Option<usize>) -> Result<Vec<Bson>> {
    let input = match &values[0] {
        value if is_nullish(value) => return Ok(Vec::new()),
        value => string(operator, 51104, value)?,
    };
    let options = match &values[2] {
        value if is_nullish(value) => None,
        value => Some(string(operator, 51106, value)?),
    };
    let compiled = match &values[1] {
        value if is_nullish(value) => return Ok(Vec::new()),
        Bson::String(pattern) => regex::compile(pattern, options.unwrap_or(""))?,
        Bson::RegularExpression(given) if options.is_some() && !given.options.is_empty() => {
            let message =
                format!("{operator}: found regex option(s) specified in both 'regex' and 'option' fields");
            return Err(Error::location(51107, message));
        }
        Bson::RegularExpression(given) => {
            regex::compile(given.pattern.as_str(), options.unwrap_or(given.options.as_str()))?
        }
        other => {
            let message =
                format!("{operator} needs 'regex' to be of type string or regex, not {}", type_name(other));
            return Err(Error::location(51105, message));
        }
    };
    let found = compiled.captures_iter(input).take(most.unwrap_or(usize::MAX)).filter_map(|captures| {
        let whole = captures.get(0)?;
        let groups = captures
            .iter()
            .skip(1)
            .map(|group| group.map_or(Bson::Null, |group| Bson::String(group.as_str().to_owned())));
        let place = input[..whole.start()].chars().count() as i32;
        Some(Bson::Document(doc! {
            "match": whole.as_str(), "idx": place, "captures": groups.collect::<Vec<_>>(),
        }))
    });
    Ok(found.collect())
}
