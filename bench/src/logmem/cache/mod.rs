//! Caches with a byte budget: how many requests they answer, and how fast.

mod caches;
mod ours;
mod peers;
mod trace;
mod work;

pub(super) use work::{PART, measure, run};
