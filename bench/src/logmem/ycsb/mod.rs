//! YCSB's mixes A, B and C against concurrent maps.

mod maps;
mod work;

pub(super) use work::{PART, measure, run};
