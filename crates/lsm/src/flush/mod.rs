//! The flush: a sealed memtable becomes a table, and its log segment goes.

mod state;
mod worker;

pub(crate) use state::{FlushRecord, FlushState};
pub(crate) use worker::start_worker;
