//! How wide a line may be.

use std::io::IsTerminal;

/// The width when nobody looks: a line that fits everywhere.
const PIPED: usize = 80;

/// Columns of the terminal that standard output goes to; 80 where it is none.
pub(crate) fn terminal_width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    if let Some(columns) = told.filter(|columns| *columns > 0) {
        return columns;
    }
    if !std::io::stdout().is_terminal() {
        return PIPED;
    }
    terminal_size::terminal_size().map_or(PIPED, |(width, _)| usize::from(width.0))
}
