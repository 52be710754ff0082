//! The flush: a sealed memtable becomes a table or goes into the resident layer, and log segments go.

mod memtables;
mod record;
mod resident;
mod state;
mod worker;

pub(crate) use record::FlushRecord;
pub(crate) use state::FlushState;
pub(crate) use worker::start_worker;
