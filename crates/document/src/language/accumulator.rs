//! Accumulators: what `$group` and its kin compute over many documents. One table; a family per file.

mod collect;
mod extreme;
mod numeric;

use super::expression::{self, Expression, ParseScope, Scope};
use super::sort::SortPattern;
use crate::error::{Error, Result};
use crate::language::value::Number;
use bson::{Bson, Document};
use std::fmt::Debug;
use std::sync::Arc;

/// The state of one accumulator in one group.
pub(crate) trait Accumulator: Debug + Send {
    /// Takes one value in; returns the bytes of memory by which the state grew.
    fn add(&mut self, value: Bson, document: &Document) -> Result<usize>;
    /// The result.
    fn finish(&mut self) -> Bson;
}

type Start = fn(&Options) -> Box<dyn Accumulator>;

/// What a parsed accumulator was given besides its input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// How many values `$firstN` and the like keep.
    pub(crate) count: usize,
    /// Whether the result is an array of values, not a single one.
    pub(crate) many: bool,
    pub(crate) sort: Option<SortPattern>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The argument is the input.
    Plain,
    /// `{}`; counts.
    Nothing,
    /// `{input, n}`.
    Several,
    /// `{sortBy, output}` or, with `n`, several.
    Sorted,
    SortedSeveral,
}

struct Row {
    name: &'static str,
    shape: Shape,
    start: Start,
}

const fn row(name: &'static str, shape: Shape, start: Start) -> Row {
    Row { name, shape, start }
}

const TABLE: &[Row] = &[
    row("$sum", Shape::Plain, |_| Box::new(numeric::Sum::default())),
    row("$avg", Shape::Plain, |_| Box::new(numeric::Average::default())),
    row("$count", Shape::Nothing, |_| Box::new(numeric::Sum::default())),
    row("$stdDevPop", Shape::Plain, |_| Box::new(numeric::StandardDeviation::new(false))),
    row("$stdDevSamp", Shape::Plain, |_| Box::new(numeric::StandardDeviation::new(true))),
    row("$min", Shape::Plain, |_| Box::new(extreme::Extreme::new(false))),
    row("$max", Shape::Plain, |_| Box::new(extreme::Extreme::new(true))),
    row("$minN", Shape::Several, |options| Box::new(extreme::Several::new(options, false))),
    row("$maxN", Shape::Several, |options| Box::new(extreme::Several::new(options, true))),
    row("$first", Shape::Plain, |_| Box::new(extreme::First::default())),
    row("$last", Shape::Plain, |_| Box::new(extreme::Last::default())),
    row("$firstN", Shape::Several, |options| Box::new(collect::FirstSeveral::new(options))),
    row("$lastN", Shape::Several, |options| Box::new(collect::LastSeveral::new(options))),
    row("$top", Shape::Sorted, |options| Box::new(extreme::Sorted::new(options, false))),
    row("$bottom", Shape::Sorted, |options| Box::new(extreme::Sorted::new(options, true))),
    row("$topN", Shape::SortedSeveral, |options| Box::new(extreme::Sorted::new(options, false))),
    row("$bottomN", Shape::SortedSeveral, |options| Box::new(extreme::Sorted::new(options, true))),
    row("$push", Shape::Plain, |_| Box::new(collect::Push::default())),
    row("$addToSet", Shape::Plain, |_| Box::new(collect::AddToSet::default())),
    row("$mergeObjects", Shape::Plain, |_| Box::new(collect::MergeObjects::default())),
];

/// A parsed accumulator such as `{$sum: "$price"}`.
#[derive(Debug, Clone)]
pub(crate) struct Specification {
    input: Expression,
    options: Arc<Options>,
    start: Start,
}

impl Specification {
    /// Parses the one accumulator that a field of `$group` holds.
    pub(crate) fn parse(field: &str, value: &Bson, scope: &ParseScope) -> Result<Specification> {
        let Bson::Document(given) = value else {
            return Err(Error::location(40234, format!("The field '{field}' must be an accumulator object")));
        };
        let Some((name, argument)) = given.iter().next() else {
            return Err(Error::location(40234, format!("The field '{field}' must be an accumulator object")));
        };
        if !name.starts_with('$') {
            return Err(Error::location(40234, format!("The field '{field}' must be an accumulator object")));
        }
        if given.len() != 1 {
            return Err(Error::location(40238, format!("The field '{field}' must specify one accumulator")));
        }
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            if ["$accumulator", "$median", "$percentile"].contains(&name.as_str()) {
                return Err(Error::unsupported(format!("the accumulator {name}")));
            }
            return Err(Error::location(15952, format!("unknown group operator '{name}'")));
        };
        let (input, options) = parse_argument(row, argument, scope)?;
        Ok(Specification { input, options: Arc::new(options), start: row.start })
    }

    pub(crate) fn start(&self) -> Box<dyn Accumulator> {
        (self.start)(&self.options)
    }

    /// Evaluates the input for a document and takes it in.
    pub(crate) fn feed(
        &self,
        state: &mut dyn Accumulator,
        document: &Document,
        scope: &Scope<'_>,
    ) -> Result<usize> {
        state.add(self.input.evaluate_in(scope)?, document)
    }
}

fn parse_argument(row: &Row, argument: &Bson, scope: &ParseScope) -> Result<(Expression, Options)> {
    let name = row.name;
    match row.shape {
        Shape::Plain => {
            if let Bson::Array(elements) = argument
                && elements.len() != 1
            {
                return Err(Error::location(40237, format!("The {name} accumulator is a unary operator")));
            }
            let single = argument.as_array().and_then(|elements| elements.first()).unwrap_or(argument);
            Ok((Expression::parse_in(single, scope)?, Options::default()))
        }
        Shape::Nothing => match argument {
            Bson::Document(given) if given.is_empty() => {
                Ok((Expression::Constant(Bson::Int32(1)), Options::default()))
            }
            _ => Err(Error::type_mismatch("$count takes no arguments, i.e. $count:{}")),
        },
        Shape::Several => {
            let given = object(name, argument, &["input", "n"])?;
            let options = Options { count: count(name, given)?, many: true, sort: None };
            Ok((Expression::parse_in(required(name, given, "input")?, scope)?, options))
        }
        Shape::Sorted | Shape::SortedSeveral => {
            let many = row.shape == Shape::SortedSeveral;
            let allowed: &[&str] = if many { &["sortBy", "output", "n"] } else { &["sortBy", "output"] };
            let given = object(name, argument, allowed)?;
            let Bson::Document(sort) = required(name, given, "sortBy")? else {
                return Err(Error::location(5788003, format!("{name} expects 'sortBy' to be an object")));
            };
            let count = if many { count(name, given)? } else { 1 };
            let options = Options { count, many, sort: Some(SortPattern::parse(sort)?) };
            Ok((Expression::parse_in(required(name, given, "output")?, scope)?, options))
        }
    }
}

fn object<'a>(name: &str, argument: &'a Bson, allowed: &[&str]) -> Result<&'a Document> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(
            5787801,
            format!("specification must be an object; found {name}: {argument}"),
        ));
    };
    match given.keys().find(|key| !allowed.contains(&key.as_str())) {
        None => Ok(given),
        Some(other) => {
            Err(Error::location(5787901, format!("Unknown argument for {name} operator: {other}")))
        }
    }
}

fn required<'a>(name: &str, given: &'a Document, key: &str) -> Result<&'a Bson> {
    given.get(key).ok_or_else(|| Error::location(5788005, format!("Missing value for '{key}' in {name}")))
}

fn count(name: &str, given: &Document) -> Result<usize> {
    let value = Expression::parse(required(name, given, "n")?)?
        .evaluate(&Document::new(), &expression::Variables::default())?;
    let whole = Number::of(&value).and_then(Number::to_i64_exact).filter(|n| *n > 0);
    let wrong =
        || Error::location(5787902, format!("'n' of {name} must be a positive integer that is constant"));
    Ok(usize::try_from(whole.ok_or_else(wrong)?).unwrap_or(usize::MAX))
}

/// The accumulators that are also expressions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Accumulation {
    Sum,
    Average,
    Minimum,
    Maximum,
    Deviation { sample: bool },
}

/// Accumulates over values that are all there already.
pub(crate) fn accumulate(kind: Accumulation, values: &[Bson]) -> Result<Bson> {
    let mut state: Box<dyn Accumulator> = match kind {
        Accumulation::Sum => Box::new(numeric::Sum::default()),
        Accumulation::Average => Box::new(numeric::Average::default()),
        Accumulation::Minimum => Box::new(extreme::Extreme::new(false)),
        Accumulation::Maximum => Box::new(extreme::Extreme::new(true)),
        Accumulation::Deviation { sample } => Box::new(numeric::StandardDeviation::new(sample)),
    };
    let none = Document::new();
    for value in values {
        state.add(value.clone(), &none)?;
    }
    Ok(state.finish())
}
