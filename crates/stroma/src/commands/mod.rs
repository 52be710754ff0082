//! One file a command.

mod check;
mod compact;
mod completions;
mod dump;
mod export;
mod import;
mod index;
mod inspect;
mod quickstart;
mod repair;
mod run;
mod search;
mod serve;

pub(crate) use run::run;
