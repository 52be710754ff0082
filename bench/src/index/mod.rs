//! Sorted keys: the hybrid index and its peers on the same keys, with the same questions.

mod data;
mod disk;
mod file_map;
mod files;
mod front;
mod inserts;
mod mapped;
mod peers;
mod prepare;
mod subject;
mod subjects;
mod suite;
mod warm;

pub(crate) use data::known_set;
pub(crate) use disk::{COLD, COLD_BYTES, READ_ALONE};
pub(crate) use suite::{PART_NAMES, measure, run};
pub(crate) use warm::{MEMORY, TIMES};
