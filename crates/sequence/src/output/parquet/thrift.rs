//! Writes structures in Thrift's compact protocol, in which Parquet keeps its own descriptions.

/// What a field or an element of a list is, as the protocol numbers them.
#[derive(Clone, Copy)]
enum Kind {
    Int32 = 5,
    Int64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

/// A structure being written: its fields in ascending order.
pub(super) struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last_field: i16,
}

impl<'a> Struct<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        Struct { out, last_field: 0 }
    }

    /// Field numbers are at most 15 apart, so that number and kind share a byte.
    fn field(&mut self, field: i16, kind: Kind) -> &mut Vec<u8> {
        debug_assert!((1..=15).contains(&(field - self.last_field)));
        self.out.push(((field - self.last_field) as u8) << 4 | kind as u8);
        self.last_field = field;
        self.out
    }

    pub(super) fn int32(&mut self, field: i16, value: i32) -> &mut Self {
        push_signed(self.field(field, Kind::Int32), value.into());
        self
    }

    pub(super) fn int64(&mut self, field: i16, value: u64) -> &mut Self {
        push_signed(self.field(field, Kind::Int64), value as i64);
        self
    }

    pub(super) fn text(&mut self, field: i16, value: &str) -> &mut Self {
        push_text(self.field(field, Kind::Binary), value);
        self
    }

    /// A field that is a structure.
    pub(super) fn inner(&mut self, field: i16, write: impl FnOnce(&mut Struct<'_>)) -> &mut Self {
        write_struct(self.field(field, Kind::Struct), write);
        self
    }

    /// A field that is a list of structures.
    pub(super) fn structs<T>(
        &mut self,
        field: i16,
        items: &[T],
        write: impl Fn(&T, &mut Struct<'_>),
    ) -> &mut Self {
        let out = self.field(field, Kind::List);
        push_list_head(out, items.len(), Kind::Struct);
        items.iter().for_each(|item| write_struct(out, |inner| write(item, inner)));
        self
    }

    /// A field that is a list of numbers.
    pub(super) fn int32s(&mut self, field: i16, items: &[i32]) -> &mut Self {
        let out = self.field(field, Kind::List);
        push_list_head(out, items.len(), Kind::Int32);
        items.iter().for_each(|&item| push_signed(out, item.into()));
        self
    }

    /// A field that is a list of texts.
    pub(super) fn texts(&mut self, field: i16, items: &[&str]) -> &mut Self {
        let out = self.field(field, Kind::List);
        push_list_head(out, items.len(), Kind::Binary);
        items.iter().for_each(|item| push_text(out, item));
        self
    }
}

/// Appends a whole structure.
pub(super) fn write_struct(out: &mut Vec<u8>, write: impl FnOnce(&mut Struct<'_>)) {
    write(&mut Struct::begin(out));
    out.push(0);
}

fn push_list_head(out: &mut Vec<u8>, length: usize, kind: Kind) {
    if length < 15 {
        out.push((length as u8) << 4 | kind as u8);
    } else {
        out.push(0xf0 | kind as u8);
        push_varint(out, length as u64);
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Small numbers of either sign are few bytes: 0, −1, 1, −2 … are 0, 1, 2, 3 …
fn push_signed(out: &mut Vec<u8>, value: i64) {
    push_varint(out, (value << 1 ^ value >> 63) as u64);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
