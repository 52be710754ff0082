//! Files are read back by a small reader of our own: what stands at the end, then each page of each column.

use super::super::{ResultWriter, TsvColumns, examples};
use super::*;

/// A value in Thrift's compact protocol, as far as Parquet's own descriptions need.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Struct(Vec<(i16, Value)>),
}

impl Value {
    fn field(&self, number: i16) -> &Value {
        let Value::Struct(fields) = self else { panic!("{self:?} has no fields") };
        &fields
            .iter()
            .find(|(field, _)| *field == number)
            .unwrap_or_else(|| panic!("no {number} in {self:?}"))
            .1
    }

    fn number(&self) -> i64 {
        let Value::Number(number) = self else { panic!("{self:?} is no number") };
        *number
    }

    fn items(&self) -> &[Value] {
        let Value::List(items) = self else { panic!("{self:?} is no list") };
        items
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().expect("more bytes");
        self.0 = rest;
        first
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn value(&mut self, kind: u8) -> Value {
        match kind {
            5 | 6 => {
                let coded = self.varint();
                Value::Number((coded >> 1) as i64 ^ -((coded & 1) as i64))
            }
            8 => {
                let length = self.varint() as usize;
                let (text, rest) = self.0.split_at(length);
                self.0 = rest;
                Value::Text(String::from_utf8(text.to_vec()).expect("UTF-8"))
            }
            9 => {
                let head = self.byte();
                let length = if head >> 4 == 15 { self.varint() } else { u64::from(head >> 4) };
                Value::List((0..length).map(|_| self.value(head & 15)).collect())
            }
            12 => {
                let (mut fields, mut field) = (Vec::new(), 0);
                loop {
                    let head = self.byte();
                    if head == 0 {
                        break Value::Struct(fields);
                    }
                    field += i16::from(head >> 4);
                    fields.push((field, self.value(head & 15)));
                }
            }
            other => panic!("kind {other}"),
        }
    }
}

/// The cells of a page as text, `-` where there is none.
fn cells(file: &[u8], column: &Value, element: &Value) -> Vec<String> {
    let mut reader = Reader(&file[column.field(9).number() as usize..]);
    let head = reader.value(12);
    let compressed = &reader.0[..head.field(3).number() as usize];
    let page = zstd::bulk::decompress(compressed, head.field(2).number() as usize).expect("sound");
    assert_eq!(page.len() as i64, head.field(2).number());
    let rows = head.field(5).field(1).number() as usize;
    assert_eq!(rows as i64, column.field(5).number());
    let mut rest = page.as_slice();
    let mut is_there = vec![true; rows];
    if element.field(3).number() == 1 {
        let (length, behind) = rest.split_first_chunk().expect("levels");
        let (mut levels, behind) = (
            Reader(&behind[..u32::from_le_bytes(*length) as usize]),
            &behind[u32::from_le_bytes(*length) as usize..],
        );
        let groups = (levels.varint() >> 1) as usize;
        assert_eq!(levels.0.len(), groups);
        is_there = (0..rows).map(|row| levels.0[row / 8] >> (row % 8) & 1 == 1).collect();
        rest = behind;
    }
    let mut cell = |is_there: bool| {
        if !is_there {
            return "-".to_owned();
        }
        match element.field(1).number() {
            6 => {
                let (length, behind) = rest.split_first_chunk().expect("a length");
                let (text, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
                rest = behind;
                String::from_utf8(text.to_vec()).expect("UTF-8")
            }
            kind => {
                let (bytes, behind) = rest.split_first_chunk().expect("eight bytes");
                rest = behind;
                if kind == 2 {
                    i64::from_le_bytes(*bytes).to_string()
                } else {
                    f64::from_le_bytes(*bytes).to_string()
                }
            }
        }
    };
    let cells = is_there.into_iter().map(&mut cell).collect();
    assert!(rest.is_empty());
    cells
}

/// The names of the columns, and the rows of all row groups.
fn read(file: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    let (behind, end) = (file.len() - 8, file.len() - 4);
    let length = u32::from_le_bytes(file[behind..end].try_into().expect("four bytes")) as usize;
    let about = Reader(&file[behind - length..]).value(12);
    let (table, columns) = about.field(2).items().split_first().expect("a table");
    assert_eq!(table.field(5).number() as usize, columns.len());
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    let mut rows = Vec::new();
    for group in about.field(4).items() {
        let parts = group.field(1).items().iter().zip(columns);
        let columns: Vec<Vec<String>> =
            parts.map(|(chunk, column)| cells(file, chunk.field(3), column)).collect();
        assert_eq!(columns[0].len() as i64, group.field(3).number());
        rows.extend(
            (0..columns[0].len()).map(|row| columns.iter().map(|column| column[row].clone()).collect()),
        );
    }
    assert_eq!(rows.len() as i64, about.field(3).number());
    (columns.iter().map(|column| text(column.field(4))).collect(), rows)
}

fn written(columns: TsvColumns, repeats: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = ParquetWriter::new(&mut file, columns);
    for _ in 0..repeats {
        examples().iter().for_each(|result| writer.write(result).expect("memory"));
    }
    writer.finish().expect("memory");
    file
}

#[test]
fn a_row_for_each_hit_and_one_for_a_query_without() {
    let (names, rows) = read(&written(TsvColumns::default(), 1));
    assert_eq!(names, ["query", "status", "sample", "found", "kmers", "share"]);
    let expected = [
        ["q1", "hit", "a \"b\"", "3", "3", "1"],
        ["q1", "hit", "c", "2", "3", "0.6666666666666666"],
        ["q\t2", "none", "-", "0", "1", "-"],
        ["q3", "too-short", "-", "0", "0", "-"],
        ["q4", "no-kmers", "-", "0", "0", "-"],
        ["q5", "hit", "d", "9", "20", "0.45"],
    ];
    assert_eq!(rows, expected);
    let (names, rows) = read(&written(TsvColumns { abundances: true, positions: true }, 1));
    assert_eq!(names[6..], ["abundance", "positions"]);
    assert_eq!(
        (&rows[5][6..], &rows[4][6..]),
        (["2.5", "0-8,19-20"].map(String::from).as_slice(), ["-", "-"].map(String::from).as_slice())
    );
    let (names, rows) = read(&written(TsvColumns { abundances: false, positions: true }, 1));
    assert_eq!((names[6].as_str(), rows[5][6].as_str()), ("positions", "0-8,19-20"));
}

#[test]
fn nothing_and_very_much_are_files_too() {
    assert!(read(&written(TsvColumns::default(), 0)).1.is_empty());
    let repeats = 50_000;
    let (_, rows) = read(&written(TsvColumns { abundances: true, positions: false }, repeats));
    assert_eq!(rows.len(), 6 * repeats);
    assert!(rows.chunks_exact(6).all(|chunk| chunk == &rows[..6]));
}
