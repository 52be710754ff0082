//! Comparison and boolean expressions.

use super::node::{Evaluate, Expression, truthy};
use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::Scope;
use crate::error::Result;
use crate::language::value::compare;
use bson::Bson;
use std::cmp::Ordering;

pub(super) const OPERATORS: &[Operator] = &[
    Operator::values("$eq", 2, 2, |values| Ok(Bson::Boolean(order(values) == Ordering::Equal))),
    Operator::values("$ne", 2, 2, |values| Ok(Bson::Boolean(order(values) != Ordering::Equal))),
    Operator::values("$gt", 2, 2, |values| Ok(Bson::Boolean(order(values) == Ordering::Greater))),
    Operator::values("$gte", 2, 2, |values| Ok(Bson::Boolean(order(values) != Ordering::Less))),
    Operator::values("$lt", 2, 2, |values| Ok(Bson::Boolean(order(values) == Ordering::Less))),
    Operator::values("$lte", 2, 2, |values| Ok(Bson::Boolean(order(values) != Ordering::Greater))),
    Operator::values("$cmp", 2, 2, |values| Ok(Bson::Int32(order(values) as i32))),
    Operator::values("$not", 1, 1, |values| Ok(Bson::Boolean(!truthy(&values[0])))),
    Operator::special("$and", |argument, scope| parse_junction(true, argument, scope)),
    Operator::special("$or", |argument, scope| parse_junction(false, argument, scope)),
];

fn order(values: &[Bson]) -> Ordering {
    compare(&values[0], &values[1])
}

/// `$and` and `$or`, which stop at the first operand that decides.
#[derive(Debug)]
struct Junction {
    all: bool,
    operands: Vec<Expression>,
}

fn parse_junction(all: bool, argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    Ok(Expression::special(Junction { all, operands: parse::positional(argument, scope)? }))
}

impl Evaluate for Junction {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        for operand in &self.operands {
            if truthy(&operand.evaluate_in(scope)?) != self.all {
                return Ok(Bson::Boolean(!self.all));
            }
        }
        Ok(Bson::Boolean(self.all))
    }
}
