//! From a batch to an acknowledged commit: the queue of those that sync, what a committer does, and the
//! pressure that slows writers down.

mod batch;
mod pressure;
mod queue;
mod request;
mod spare;
mod writer;

pub use batch::Batch;
pub(crate) use pressure::Debt;
pub(crate) use queue::CommitQueue;
pub use request::CommitToken;
pub(crate) use request::{CommitRequest, Payload};
pub(crate) use spare::SpareBuffers;
pub(crate) use writer::Writer;
