//! A table of text with a head line, numbers to the right, as every command prints it.

use std::io::Write;

use comfy_table::{CellAlignment, LineStyle, Table as Grid, TableStyle};

use crate::failure::{Failure, Result};

/// One line, under the head.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table to print.
pub(crate) struct Table {
    grid: Grid,
}

impl Table {
    /// A table with these columns; a name that starts with `>` makes a column of numbers.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut grid = Grid::new();
        grid.load_style(STYLE);
        grid.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
        for (column, name) in grid.column_iter_mut().zip(columns) {
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Table { grid }
    }

    /// Adds a row.
    pub(crate) fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.grid.add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }

    /// Prints the table and hands it on, so that an output that is full is noticed.
    pub(crate) fn print(&self, output: &mut impl Write) -> Result<()> {
        for line in self.grid.to_string().lines() {
            writeln!(output, "{}", line.trim_end()).map_err(Failure::output)?;
        }
        output.flush().map_err(Failure::output)
    }
}
