//! What a row of an operator table is, and the look-up over the tables of all families.

use super::node::Expression;
use super::parse::ParseScope;
use crate::error::Result;
use bson::Bson;

/// One row: an operator's name and how to read its arguments.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// How an operator takes its arguments.
pub(crate) enum Kind {
    /// By place, all evaluated before the call.
    Values { least: usize, most: usize, call: fn(&[Bson]) -> Result<Bson> },
    /// By name, all evaluated before the call; required ones come first.
    Named {
        required: &'static [&'static str],
        optional: &'static [&'static str],
        call: fn(&[Bson]) -> Result<Bson>,
    },
    /// By rules of its own.
    Special(fn(&Bson, &ParseScope) -> Result<Expression>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Kind::Values { .. } => "Values",
            Kind::Named { .. } => "Named",
            Kind::Special(_) => "Special",
        })
    }
}

impl Operator {
    /// An operator with a number of arguments within bounds.
    pub(crate) const fn values(
        name: &'static str,
        least: usize,
        most: usize,
        call: fn(&[Bson]) -> Result<Bson>,
    ) -> Operator {
        Operator { name, kind: Kind::Values { least, most, call } }
    }

    /// An operator with any number of arguments.
    pub(crate) const fn any(name: &'static str, call: fn(&[Bson]) -> Result<Bson>) -> Operator {
        Operator::values(name, 0, usize::MAX, call)
    }

    /// An operator with named arguments.
    pub(crate) const fn named(
        name: &'static str,
        required: &'static [&'static str],
        optional: &'static [&'static str],
        call: fn(&[Bson]) -> Result<Bson>,
    ) -> Operator {
        Operator { name, kind: Kind::Named { required, optional, call } }
    }

    /// An operator that parses its own argument.
    pub(crate) const fn special(
        name: &'static str,
        parse: fn(&Bson, &ParseScope) -> Result<Expression>,
    ) -> Operator {
        Operator { name, kind: Kind::Special(parse) }
    }

    pub(crate) fn call(&self, values: &[Bson]) -> Result<Bson> {
        match &self.kind {
            Kind::Values { call, .. } | Kind::Named { call, .. } => call(values),
            // The parser turns a special operator into a node of its own, never into a call.
            Kind::Special(_) => Ok(Bson::Undefined),
        }
    }
}

const FAMILIES: &[&[Operator]] = &[
    super::comparison::OPERATORS,
    super::conditional::OPERATORS,
    super::arithmetic::OPERATORS,
    super::string::OPERATORS,
    super::array::OPERATORS,
    super::iterate::OPERATORS,
    super::object::OPERATORS,
    super::set::OPERATORS,
    super::accumulate::OPERATORS,
    super::convert::OPERATORS,
    super::date::PARTS,
    super::date::UNITS,
    super::measure::OPERATORS,
];

/// Operators that MongoDB has and this crate does not: they get a named error instead of "unrecognized".
pub(crate) const KNOWN_UNSUPPORTED: &[&str] = &[
    "$function",
    "$accumulator",
    "$meta",
    "$rand",
    "$median",
    "$percentile",
    "$toHashedIndexKey",
    "$toUUID",
    "$toArray",
    "$toObject",
    "$sigmoid",
];

/// Whether there is an operator of this name.
pub(crate) fn is_operator(name: &str) -> bool {
    find(name).is_some()
}

/// The row of an operator.
pub(crate) fn find(name: &str) -> Option<&'static Operator> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|operator| operator.name == name)
}
