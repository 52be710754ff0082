//! Files of records and the documents they become: JSON lines, comma- and tab-separated values.

mod delimited;
mod format;
mod json_lines;
mod read;
mod write;

pub(crate) use delimited::CellTypes;
pub(crate) use format::Format;
pub(crate) use read::read_documents;
pub(crate) use write::{DocumentWriter, JsonStyle, cell, find};
