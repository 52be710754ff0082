//! The argument of `$sequenceSearch`: its fields, their types and what they default to.

use bson::{Bson, Document};
use stroma_document::{Code, Error, Result};
use stroma_sequence::Query;

/// The share of a query's distinct k-mers that a sample must hold when the pipeline does not say.
const DEFAULT_THRESHOLD: f64 = 0.8;
/// The field of a sample's document that holds its name in the index when the pipeline does not say.
const DEFAULT_SAMPLE_FIELD: &str = "_id";
/// The field that carries the score when the pipeline does not say.
const DEFAULT_MATCH_FIELD: &str = "sequenceMatch";

/// What one `$sequenceSearch` was asked for.
#[derive(Debug)]
pub(super) struct Argument {
    /// Which index to search.
    pub(super) index: String,
    /// The queries, in the order given.
    pub(super) queries: Vec<Query>,
    /// Share of a query's distinct k-mers, 0 to 1.
    pub(super) threshold: f64,
    /// At most this many samples a query.
    pub(super) top: Option<usize>,
    /// The field of the collection's documents that names the sample.
    pub(super) sample_field: String,
    /// The field that the score is put into.
    pub(super) match_field: String,
}

impl Argument {
    pub(super) fn parse(argument: &Bson) -> Result<Argument> {
        let Bson::Document(fields) = argument else {
            return Err(Error::failed_to_parse(
                "$sequenceSearch takes an object: {index, query | queries, threshold}",
            ));
        };
        for name in fields.keys() {
            if !["index", "query", "queries", "threshold", "top", "sampleField", "as"]
                .contains(&name.as_str())
            {
                let message = format!("BSON field '$sequenceSearch.{name}' is an unknown field.");
                return Err(Error::location(40415, message));
            }
        }
        let index = text(fields, "index")?.ok_or_else(|| missing("index"))?;
        let parsed = Argument {
            index,
            queries: queries(fields)?,
            threshold: threshold(fields)?,
            top: top(fields)?,
            sample_field: text(fields, "sampleField")?.unwrap_or_else(|| DEFAULT_SAMPLE_FIELD.to_owned()),
            match_field: text(fields, "as")?.unwrap_or_else(|| DEFAULT_MATCH_FIELD.to_owned()),
        };
        if parsed.match_field.is_empty() || parsed.match_field.contains(['$', '.', '\0']) {
            return Err(Error::bad_value(
                "'$sequenceSearch.as' must be the name of one field, without '.' and '$'",
            ));
        }
        Ok(parsed)
    }
}

fn missing(name: &str) -> Error {
    Error::location(40414, format!("BSON field '$sequenceSearch.{name}' is missing but a required field"))
}

fn wrong_type(name: &str, wanted: &str, found: &Bson) -> Error {
    let message =
        format!("BSON field '$sequenceSearch.{name}' must be {wanted}, found {:?}", found.element_type());
    Error::type_mismatch(message)
}

fn text(fields: &Document, name: &str) -> Result<Option<String>> {
    match fields.get(name) {
        None => Ok(None),
        Some(Bson::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong_type(name, "a string", other)),
    }
}

fn queries(fields: &Document) -> Result<Vec<Query>> {
    match (fields.get("query"), fields.get("queries")) {
        (Some(one), None) => Ok(vec![query(one, "query", "query")?]),
        (None, Some(Bson::Array(many))) if !many.is_empty() => many
            .iter()
            .enumerate()
            .map(|(number, one)| query(one, "queries", &format!("query {}", number + 1)))
            .collect(),
        (None, Some(Bson::Array(_))) => Err(Error::bad_value("'$sequenceSearch.queries' must hold a query")),
        (None, Some(other)) => Err(wrong_type("queries", "an array", other)),
        (None, None) => Err(missing("query")),
        (Some(_), Some(_)) => Err(Error::new(
            Code::InvalidOptions,
            "$sequenceSearch takes either 'query' or 'queries', not both",
        )),
    }
}

/// A query is its bases, or an object that names them.
fn query(value: &Bson, field: &str, default_name: &str) -> Result<Query> {
    match value {
        Bson::String(bases) => Ok(Query::new(default_name, bases.as_bytes())),
        Bson::Document(named) => match (named.get("name"), named.get("sequence")) {
            (Some(Bson::String(name)), Some(Bson::String(bases))) if named.len() == 2 => {
                Ok(Query::new(name, bases.as_bytes()))
            }
            _ => {
                Err(Error::bad_value(format!("'$sequenceSearch.{field}' takes bases or {{name, sequence}}")))
            }
        },
        other => Err(wrong_type(field, "a string of bases or {name, sequence}", other)),
    }
}

fn threshold(fields: &Document) -> Result<f64> {
    let threshold = match fields.get("threshold") {
        None => DEFAULT_THRESHOLD,
        Some(Bson::Double(number)) => *number,
        Some(Bson::Int32(number)) => f64::from(*number),
        Some(Bson::Int64(number)) => *number as f64,
        Some(other) => return Err(wrong_type("threshold", "a number", other)),
    };
    if (0.0..=1.0).contains(&threshold) {
        Ok(threshold)
    } else {
        Err(Error::bad_value(format!(
            "'$sequenceSearch.threshold' must lie between 0 and 1, found {threshold}"
        )))
    }
}

fn top(fields: &Document) -> Result<Option<usize>> {
    let number = match fields.get("top") {
        None => return Ok(None),
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Double(number)) if number.fract() == 0.0 => *number as i64,
        Some(other) => return Err(wrong_type("top", "a whole number", other)),
    };
    match usize::try_from(number) {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(Error::bad_value(format!("'$sequenceSearch.top' must be at least 1, found {number}"))),
    }
}

#[cfg(test)]
mod tests {
    use bson::{Bson, doc};

    use super::Argument;

    #[test]
    fn a_whole_argument_is_read() {
        let argument = doc! {
            "index": "genomes", "queries": ["ACGT", {"name": "b", "sequence": "TTT"}],
            "threshold": 1, "top": 3_i64, "sampleField": "sample", "as": "hit",
        };
        let parsed = Argument::parse(&Bson::Document(argument)).unwrap();
        assert_eq!((parsed.index.as_str(), parsed.queries.len(), parsed.threshold), ("genomes", 2, 1.0));
        assert_eq!(
            (parsed.top, parsed.sample_field.as_str(), parsed.match_field.as_str()),
            (Some(3), "sample", "hit")
        );
        assert_eq!([parsed.queries[0].name.as_str(), parsed.queries[1].name.as_str()], ["query 1", "b"]);
    }

    #[test]
    fn each_slip_is_named() {
        let cases = [
            (Bson::Int32(5), 9, "object"),
            (Bson::Document(doc! {"query": "A"}), 40414, "index"),
            (Bson::Document(doc! {"index": "g"}), 40414, "query"),
            (Bson::Document(doc! {"index": "g", "query": "A", "queries": ["A"]}), 72, "not both"),
            (Bson::Document(doc! {"index": "g", "query": 5}), 14, "query"),
            (Bson::Document(doc! {"index": "g", "queries": []}), 2, "queries"),
            (Bson::Document(doc! {"index": "g", "query": "A", "threshold": 2}), 2, "threshold"),
            (Bson::Document(doc! {"index": "g", "query": "A", "threshold": f64::NAN}), 2, "threshold"),
            (Bson::Document(doc! {"index": "g", "query": "A", "top": 0}), 2, "top"),
            (Bson::Document(doc! {"index": "g", "query": "A", "thresold": 1}), 40415, "thresold"),
            (Bson::Document(doc! {"index": "g", "query": "A", "as": "a.b"}), 2, "as"),
        ];
        for (argument, code, word) in cases {
            let error = Argument::parse(&argument).unwrap_err();
            assert_eq!(error.code(), code, "{argument}: {error}");
            assert!(error.message().contains(word), "{argument}: {error}");
        }
    }
}
