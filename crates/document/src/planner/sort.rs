//! Whether walking an index yields the order that a query asks for.

use bson::{Bson, Document};

use super::bounds::FieldBounds;
use crate::index::IndexField;
use crate::language::key::Direction as KeyDirection;
use crate::language::value::Number;
use crate::store::Direction;

/// The direction in which the index must be walked so that its order is that of `sort`; none if it is not.
///
/// Paths bounded to a single value can be skipped on both sides, as all entries are equal there. The order
/// of a path with several points or a range is that of the index, as its ranges are walked in order.
pub(super) fn direction_for(
    sort: &Document,
    fields: &[IndexField],
    bounds: &[FieldBounds],
) -> Option<Direction> {
    let is_fixed = |position: usize| bounds.get(position).is_some_and(FieldBounds::is_single_point);
    let mut position = 0;
    let mut walked: Option<Direction> = None;
    for (path, order) in sort {
        let fixed = fields.iter().position(|field| field.path.as_str() == path).filter(|at| is_fixed(*at));
        if fixed.is_some() {
            continue;
        }
        while is_fixed(position) {
            position += 1;
        }
        let field = fields.get(position).filter(|field| field.path.as_str() == path)?;
        let needed = if is_ascending(order)? == (field.direction == KeyDirection::Ascending) {
            Direction::Forward
        } else {
            Direction::Backward
        };
        if *walked.get_or_insert(needed) != needed {
            return None;
        }
        position += 1;
    }
    Some(walked.unwrap_or_default())
}

fn is_ascending(order: &Bson) -> Option<bool> {
    Number::of(order).map(|number| number.to_f64() > 0.0)
}
