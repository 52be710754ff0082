//! Tab-separated values: one line for each hit, one with dashes for a query without.
//!
//! Columns: query, status (`hit`, `none`, `too-short`, `no-kmers`), sample, found k-mers, distinct k-mers of
//! the query, their ratio cut to six decimals. Tabs, line breaks and backslashes in names are written as `\t`,
//! `\n`, `\r` and `\\`.

use std::io::{self, Write};

use super::ResultWriter;
use crate::search::{Hit, Outcome, QueryResult};

/// Writes results as tab-separated values under a header line.
#[derive(Debug)]
pub struct TsvWriter<W> {
    out: W,
    header_written: bool,
    with: TsvColumns,
}

/// Columns beyond the usual ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TsvColumns {
    /// The mean abundance of the k-mers found, with three decimals.
    pub abundances: bool,
    /// Where in the query the k-mers found begin: `start-end` parted by commas, from 0, the end excluded.
    pub positions: bool,
}

impl<W: Write> TsvWriter<W> {
    /// Onto `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self::with_columns(out, TsvColumns::default())
    }

    /// As [`new`](Self::new), with more columns behind the usual ones.
    pub fn with_columns(out: W, with: TsvColumns) -> Self {
        TsvWriter { out, header_written: false, with }
    }

    fn header(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.header_written, true) {
            return Ok(());
        }
        write!(self.out, "query\tstatus\tsample\tfound\tkmers\tshare")?;
        if self.with.abundances {
            write!(self.out, "\tabundance")?;
        }
        if self.with.positions {
            write!(self.out, "\tpositions")?;
        }
        writeln!(self.out)
    }

    fn without_hit(&mut self, result: &QueryResult, status: &str) -> io::Result<()> {
        write!(self.out, "{}\t{status}\t-\t0\t{}\t-", escaped(&result.name), result.kmers)?;
        self.more(None)
    }

    /// The columns beyond the usual ones, and the end of the line.
    fn more(&mut self, hit: Option<&Hit>) -> io::Result<()> {
        if self.with.abundances {
            match hit.and_then(|hit| hit.abundance) {
                Some(abundance) => write!(self.out, "\t{abundance:.3}")?,
                None => write!(self.out, "\t-")?,
            }
        }
        if self.with.positions {
            let stretches = hit.and_then(|hit| hit.positions.as_deref()).unwrap_or_default();
            for (number, stretch) in stretches.iter().enumerate() {
                let before = if number == 0 { '\t' } else { ',' };
                write!(self.out, "{before}{}-{}", stretch.start, stretch.end)?;
            }
            if stretches.is_empty() {
                write!(self.out, "\t-")?;
            }
        }
        writeln!(self.out)
    }
}

impl<W: Write> ResultWriter for TsvWriter<W> {
    fn write(&mut self, result: &QueryResult) -> io::Result<()> {
        self.header()?;
        let hits = match &result.outcome {
            Outcome::Hits(hits) if !hits.is_empty() => hits,
            Outcome::Hits(_) => return self.without_hit(result, "none"),
            Outcome::TooShort { .. } => return self.without_hit(result, "too-short"),
            Outcome::NoKmers => return self.without_hit(result, "no-kmers"),
        };
        for hit in hits {
            let millionths = u128::from(hit.found) * 1_000_000 / u128::from(result.kmers.max(1));
            write!(
                self.out,
                "{}\thit\t{}\t{}\t{}\t{}.{:06}",
                escaped(&result.name),
                escaped(&hit.sample),
                hit.found,
                result.kmers,
                millionths / 1_000_000,
                millionths % 1_000_000
            )?;
            self.more(Some(hit))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.out.flush()
    }
}

fn escaped(name: &str) -> std::borrow::Cow<'_, str> {
    if !name.contains(['\t', '\n', '\r', '\\']) {
        return name.into();
    }
    let escape = |text: String, (from, to): (char, &str)| text.replace(from, to);
    [('\\', "\\\\"), ('\t', "\\t"), ('\n', "\\n"), ('\r', "\\r")]
        .into_iter()
        .fold(name.to_owned(), escape)
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    #[test]
    fn one_line_a_hit_and_one_for_a_query_without() {
        let mut writer = TsvWriter::new(Vec::new());
        examples().iter().for_each(|result| writer.write(result).expect("memory"));
        writer.finish().expect("memory");
        let expected = "query\tstatus\tsample\tfound\tkmers\tshare\n\
                        q1\thit\ta \"b\"\t3\t3\t1.000000\n\
                        q1\thit\tc\t2\t3\t0.666666\n\
                        q\\t2\tnone\t-\t0\t1\t-\n\
                        q3\ttoo-short\t-\t0\t0\t-\n\
                        q4\tno-kmers\t-\t0\t0\t-\n\
                        q5\thit\td\t9\t20\t0.450000\n";
        assert_eq!(String::from_utf8(writer.out).expect("UTF-8"), expected);
    }

    #[test]
    fn more_columns_stand_behind_the_usual_ones() {
        let columns = TsvColumns { abundances: true, positions: true };
        let mut writer = TsvWriter::with_columns(Vec::new(), columns);
        examples()[3..].iter().for_each(|result| writer.write(result).expect("memory"));
        writer.finish().expect("memory");
        let expected = "query\tstatus\tsample\tfound\tkmers\tshare\tabundance\tpositions\n\
                        q4\tno-kmers\t-\t0\t0\t-\t-\t-\n\
                        q5\thit\td\t9\t20\t0.450000\t2.500\t0-8,19-20\n";
        assert_eq!(String::from_utf8(writer.out).expect("UTF-8"), expected);
    }
}
