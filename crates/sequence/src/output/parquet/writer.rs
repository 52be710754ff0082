//! Takes results and writes rows: those of a row group wait in memory, column by column.

use std::io::{self, Write};

use super::super::{ResultWriter, TsvColumns};
use super::column::{Column, ColumnType};
use super::metadata::{RowGroup, file_metadata};
use crate::search::{Hit, Outcome, QueryResult};

const MAGIC: &[u8; 4] = b"PAR1";

/// A row group ends after so many rows.
const MOST_ROWS: usize = 1 << 17;
/// A column of a row group has at most about so many bytes, one value apart.
const MOST_BYTES: usize = 16 << 20;

/// Writes results as a Parquet file: a row for each hit, one for each query without.
///
/// Columns: `query`, `status` (`hit`, `none`, `too-short`, `no-kmers`), `sample` (null without a hit), `found`
/// k-mers, distinct `kmers` of the query, their `share` (null without a hit); and where they are asked for
/// `abundance` and `positions`, the latter as text, as in the table. Compressed with Zstandard. Memory: a row group,
/// to some tens of megabytes.
#[derive(Debug)]
pub struct ParquetWriter<W> {
    out: W,
    /// Bytes written.
    position: u64,
    columns: Vec<Column>,
    with: TsvColumns,
    rows: usize,
    groups: Vec<RowGroup>,
}

impl<W: Write> ParquetWriter<W> {
    /// Onto `out`, with the columns beyond the usual ones that are asked for.
    pub fn new(out: W, with: TsvColumns) -> Self {
        let mut columns = vec![
            Column::new("query", ColumnType::Text, false),
            Column::new("status", ColumnType::Text, false),
            Column::new("sample", ColumnType::Text, true),
            Column::new("found", ColumnType::Integer, false),
            Column::new("kmers", ColumnType::Integer, false),
            Column::new("share", ColumnType::Double, true),
        ];
        if with.abundances {
            columns.push(Column::new("abundance", ColumnType::Double, true));
        }
        if with.positions {
            columns.push(Column::new("positions", ColumnType::Text, true));
        }
        ParquetWriter { out, position: 0, columns, with, rows: 0, groups: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn row(&mut self, result: &QueryResult, status: &str, hit: Option<&Hit>) -> io::Result<()> {
        let [query, state, sample, found, kmers, share, more @ ..] = self.columns.as_mut_slice() else {
            return Ok(());
        };
        query.push_text(&result.name);
        state.push_text(status);
        found.push_integer(hit.map_or(0, |hit| hit.found));
        kmers.push_integer(result.kmers);
        match hit {
            Some(hit) => {
                sample.push_text(&hit.sample);
                share.push_double(hit.share);
            }
            None => {
                sample.push_none();
                share.push_none();
            }
        }
        let mut more = more.iter_mut();
        if let Some(column) = self.with.abundances.then(|| more.next()).flatten() {
            match hit.and_then(|hit| hit.abundance) {
                Some(abundance) => column.push_double(abundance),
                None => column.push_none(),
            }
        }
        if let Some(column) = self.with.positions.then(|| more.next()).flatten() {
            match hit.and_then(|hit| hit.positions.as_deref()) {
                Some(positions) => {
                    let stretches =
                        positions.iter().map(|stretch| format!("{}-{}", stretch.start, stretch.end));
                    column.push_text(&stretches.collect::<Vec<_>>().join(","));
                }
                None => column.push_none(),
            }
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS || self.columns.iter().any(|column| column.bytes() >= MOST_BYTES) {
            self.end_group()?;
        }
        Ok(())
    }

    /// Writes what waits as a row group.
    fn end_group(&mut self) -> io::Result<()> {
        self.begin()?;
        let mut chunks = Vec::with_capacity(self.columns.len());
        let mut page = Vec::new();
        for number in 0..self.columns.len() {
            page.clear();
            chunks.push(self.columns[number].write_page(&mut page, self.position)?);
            self.put(&page)?;
        }
        self.groups.push(RowGroup { chunks });
        self.rows = 0;
        Ok(())
    }

    /// Writes what a file begins with, if nothing was written yet.
    fn begin(&mut self) -> io::Result<()> {
        if self.position == 0 { self.put(MAGIC) } else { Ok(()) }
    }
}

impl<W: Write> ResultWriter for ParquetWriter<W> {
    fn write(&mut self, result: &QueryResult) -> io::Result<()> {
        match &result.outcome {
            Outcome::Hits(hits) if !hits.is_empty() => {
                hits.iter().try_for_each(|hit| self.row(result, "hit", Some(hit)))
            }
            Outcome::Hits(_) => self.row(result, "none", None),
            Outcome::TooShort { .. } => self.row(result, "too-short", None),
            Outcome::NoKmers => self.row(result, "no-kmers", None),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.begin()?;
        if self.rows > 0 {
            self.end_group()?;
        }
        let metadata = file_metadata(&self.columns, &self.groups);
        self.put(&metadata)?;
        self.put(&(metadata.len() as u32).to_le_bytes())?;
        self.put(MAGIC)?;
        self.out.flush()
    }
}
