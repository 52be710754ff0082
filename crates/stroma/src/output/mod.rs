//! What a person sees: tables, progress bars, sizes in words.

mod progress;
mod table;
mod units;
mod width;

pub(crate) use progress::Stage;
pub(crate) use table::Table;
pub(crate) use units::{bytes, count};
pub(crate) use width::terminal_width;
