//! Rows of comma- or tab-separated values as documents: the header names the fields, a cell's text tells its type.

use std::io::Read;

use bson::{Bson, Document};

use crate::failure::{Failure, Result};

/// What a cell may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellTypes {
    /// Whole and decimal numbers, `true` and `false` become such; an empty cell is left out.
    Inferred,
    /// Every cell stays a string; an empty cell is left out.
    Strings,
}

/// Reads rows as documents. A line that has more or fewer cells than the header is an error that names it.
pub(crate) fn read_rows(
    input: impl Read,
    name: String,
    separator: u8,
    types: CellTypes,
) -> Result<impl Iterator<Item = Result<Document>>> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).quoting(separator == b',').from_reader(input);
    let header = reader.headers().map_err(|error| bad_row(&name, &error))?.clone();
    check_header(&header, &name)?;
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|error| bad_row(&name, &error))?;
        Ok(header
            .iter()
            .zip(&record)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(field, cell)| (field.to_owned(), parse_cell(cell, types)))
            .collect())
    }))
}

fn check_header(header: &csv::StringRecord, name: &str) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for field in header {
        let what = if field.is_empty() {
            "a column without a name"
        } else if field.contains('\0') || field.starts_with('$') {
            "a column name that no field can have"
        } else if !seen.insert(field) {
            "the same column name twice"
        } else {
            continue;
        };
        return Err(Failure::Records { file: name.to_owned(), line: 1, what: format!("{what}: `{field}`") });
    }
    if header.is_empty() {
        return Err(Failure::Records { file: name.to_owned(), line: 1, what: "no header line".into() });
    }
    Ok(())
}

fn bad_row(name: &str, error: &csv::Error) -> Failure {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "text that is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Failure::Records { file: name.to_owned(), line, what }
}

/// The value that a cell stands for.
///
/// Only a number that is written back the same way becomes one, so that `007` or `1e5` (an accession,
/// perhaps) stays what it is.
pub(crate) fn parse_cell(cell: &str, types: CellTypes) -> Bson {
    if types == CellTypes::Strings {
        return Bson::String(cell.to_owned());
    }
    if let Ok(number) = cell.parse::<i64>()
        && number.to_string() == cell
    {
        return i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32);
    }
    if cell.contains('.')
        && let Ok(number) = cell.parse::<f64>()
        && number.to_string() == cell
    {
        return Bson::Double(number);
    }
    match cell {
        "true" => Bson::Boolean(true),
        "false" => Bson::Boolean(false),
        _ => Bson::String(cell.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bson::{Bson, doc};

    use super::{CellTypes, parse_cell, read_rows};

    #[test]
    fn cells_become_what_they_are_written_as() {
        let cases = [
            ("1994", Bson::Int32(1994)),
            ("-3", Bson::Int32(-3)),
            ("5000000000", Bson::Int64(5_000_000_000)),
            ("0.5", Bson::Double(0.5)),
            ("007", Bson::String("007".into())),
            ("1e5", Bson::String("1e5".into())),
            ("NC_002745.2", Bson::String("NC_002745.2".into())),
            ("true", Bson::Boolean(true)),
        ];
        for (cell, value) in cases {
            assert_eq!(parse_cell(cell, CellTypes::Inferred), value, "{cell}");
            assert_eq!(parse_cell(cell, CellTypes::Strings), Bson::String(cell.into()));
        }
    }

    #[test]
    fn rows_become_documents_without_empty_cells() {
        let text = "sample\tyear\tnote\nA\t1994\t\nB\t\tsaid \"so\"\n";
        let rows: Vec<_> = read_rows(text.as_bytes(), "t.tsv".into(), b'\t', CellTypes::Inferred)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows, [doc! {"sample": "A", "year": 1994}, doc! {"sample": "B", "note": "said \"so\""}]);
    }

    #[test]
    fn a_ragged_row_and_a_bad_header_name_file_and_line() {
        let mut rows =
            read_rows("a,b\n1,2\n3\n".as_bytes(), "t.csv".into(), b',', CellTypes::Inferred).unwrap();
        assert!(rows.next().unwrap().is_ok());
        let error = rows.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("t.csv") && error.contains("line 3"), "{error}");
        for header in ["a,a\n", "a,,b\n", "$a\n", ""] {
            assert!(
                read_rows(header.as_bytes(), "t.csv".into(), b',', CellTypes::Inferred).is_err(),
                "{header:?}"
            );
        }
    }
}
