//! Transactions: optimistic and serializable.
//!
//! A transaction reads at the snapshot of its beginning and keeps its writes to itself. It remembers what it
//! read: single keys, and of ranges the part it walked over. At its commit, in the one place where commits are put
//! in order, that is compared with every change committed since its beginning. If none touches it, the transaction
//! would have read the same at this moment, so it is as if it had run just now, alone: that is serializability. If
//! one does, it is refused and changes nothing. (H. T. Kung and J. T. Robinson, "On Optimistic Methods for
//! Concurrency Control", 1981, backward validation.)
//!
//! Own writes are in memory as far as they may be, then in scratch files; see [`own_writes`]. One that fits a batch is
//! committed as a batch is, through the log; a larger one as tables (`Core::commit_as_tables`).
//!
//! Where transactions that ran in vain cost more than waiting, a key may be locked as it is read
//! ([`Transaction::get_for_update`]); of those who lock it one at a time goes on, and reads what the one before wrote.

mod handle;
mod locks;
mod own_writes;
mod points;
mod read_set;
mod runs;
mod savepoints;
mod scratch;
mod tracked;
mod validation;

pub use handle::Transaction;
pub(crate) use locks::LockTable;
pub(crate) use own_writes::OwnWrites;
pub use savepoints::Savepoint;
pub(crate) use scratch::Scratch;
pub(crate) use tracked::TrackedRange;
pub(crate) use validation::Validation;
