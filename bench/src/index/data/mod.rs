//! Sets of sorted, distinct 64-bit keys: drawn from seeds, or real ones that packages ship.

mod hilbert;
mod list;
mod normal;
mod order;
mod osm;
mod real;
mod synthetic;
mod writer;

pub(crate) use list::known_set;
pub(super) use list::{DataSet, SETS};
pub(super) use writer::KeyWriter;
