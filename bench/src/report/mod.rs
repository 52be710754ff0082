//! Figures as a table, as JSON and as pictures.

mod chart;
mod curve;
mod json;
mod plot;
mod scatter;
mod table;

pub(crate) use json::write;
pub(crate) use plot::plot_all;
pub(crate) use table::table;

/// Whether more is better: rates and shares of requests answered are, times and sizes are not.
fn is_more_better(unit: &str) -> bool {
    unit.ends_with("/s") || unit.ends_with("/cpu s") || unit.starts_with('%')
}
