//! `stroma inspect --memory`: what the memory of a running server is used for.
//!
//! - [`fetch`]: asks the server's HTTP port. - [`report`]: what it answers. - [`draw`]: bars of it.

mod draw;
mod fetch;
mod report;
mod run;

pub(super) use run::run;
