//! Accumulators as expressions: over the elements of one array, or over several arguments.

use super::operator::Operator;
use crate::error::Result;
use crate::language::accumulator::{Accumulation, accumulate};
use bson::Bson;

pub(super) const OPERATORS: &[Operator] = &[
    Operator::any("$sum", |values| over(values, Accumulation::Sum)),
    Operator::any("$avg", |values| over(values, Accumulation::Average)),
    Operator::any("$min", |values| over(values, Accumulation::Minimum)),
    Operator::any("$max", |values| over(values, Accumulation::Maximum)),
    Operator::any("$stdDevPop", |values| over(values, Accumulation::Deviation { sample: false })),
    Operator::any("$stdDevSamp", |values| over(values, Accumulation::Deviation { sample: true })),
];

fn over(values: &[Bson], kind: Accumulation) -> Result<Bson> {
    match values {
        [Bson::Array(elements)] => accumulate(kind, elements),
        values => accumulate(kind, values),
    }
}
