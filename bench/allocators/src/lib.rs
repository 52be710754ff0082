//! Resident memory per live byte when sizes change, under one allocator: a program for each, since a program
//! has only one.
//!
//! `fragmentation-ALLOCATOR SUBJECT WORKLOAD LIVE_BYTES SEED` does one workload of Rumble, Kejriwal and
//! Ousterhout (FAST 2014) in a fresh process and prints what it measured, a name and a number a line. It prints
//! nothing if the memory that it was allowed did not suffice. What its programs share with the other
//! measurements, random numbers and the memory of a process, is public.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

mod clocks;
mod program;
mod random;
mod resident;
mod server;
mod subject;
mod workload;

pub use clocks::{Cost, timed};
pub use program::main;
pub use random::{Random, mix};
pub use resident::Resident;
pub use server::ServerKind;
pub use workload::{WORKLOADS, Workload};

/// What ends a measurement: a library's own error, or a sentence.
pub type Failure = Box<dyn std::error::Error>;
/// The result of most functions here.
pub type Outcome<T = ()> = Result<T, Failure>;
