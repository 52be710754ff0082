//! What stands at the end of the file: the columns, and where each of each row group is.

use super::column::{Chunk, Column, ColumnType, PLAIN, RUNS, ZSTD};
use super::thrift::{Struct, write_struct};

/// The columns of one row group, where they were written.
#[derive(Debug)]
pub(super) struct RowGroup {
    pub(super) chunks: Vec<Chunk>,
}

impl RowGroup {
    fn rows(&self) -> u64 {
        self.chunks.first().map_or(0, |chunk| chunk.rows)
    }
}

/// An element of the schema: the table itself, or a column of it.
enum Element<'a> {
    Table(usize),
    Column(&'a Column),
}

/// The description of the whole file.
pub(super) fn file_metadata(columns: &[Column], groups: &[RowGroup]) -> Vec<u8> {
    let mut out = Vec::new();
    let elements: Vec<Element<'_>> =
        std::iter::once(Element::Table(columns.len())).chain(columns.iter().map(Element::Column)).collect();
    write_struct(&mut out, |file| {
        file.int32(1, 1)
            .structs(2, &elements, write_element)
            .int64(3, groups.iter().map(RowGroup::rows).sum())
            .structs(4, groups, |group, out| write_group(columns, group, out))
            .text(6, concat!("stromatolite version ", env!("CARGO_PKG_VERSION")));
    });
    out
}

fn write_element(element: &Element<'_>, out: &mut Struct<'_>) {
    match element {
        Element::Table(columns) => out.text(4, "hits").int32(5, *columns as i32),
        Element::Column(column) => {
            out.int32(1, column.of.number()).int32(3, i32::from(column.is_optional)).text(4, column.name);
            if column.of == ColumnType::Text {
                // UTF-8, in the older and in the newer way of saying so.
                out.int32(6, 0).inner(10, |logical| {
                    logical.inner(1, |_| {});
                });
            }
            out
        }
    };
}

fn write_group(columns: &[Column], group: &RowGroup, out: &mut Struct<'_>) {
    let parts: Vec<(&Column, &Chunk)> = columns.iter().zip(&group.chunks).collect();
    out.structs(1, &parts, |(column, chunk), out| {
        out.int64(2, 0).inner(3, |about| {
            about
                .int32(1, column.of.number())
                .int32s(2, &[PLAIN, RUNS])
                .texts(3, &[column.name])
                .int32(4, ZSTD)
                .int64(5, chunk.rows)
                .int64(6, chunk.uncompressed)
                .int64(7, chunk.compressed)
                .int64(9, chunk.offset);
        });
    })
    .int64(2, group.chunks.iter().map(|chunk| chunk.uncompressed).sum())
    .int64(3, group.rows());
}
