//! A cell: what the resident layer's index knows of an entry without touching it.

use stroma_logmem::Location;

use crate::entry::{Kind, Sequence};
use crate::memtable::Head;

/// See the module. The head of the key decides most comparisons without a look at the entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// Bytes 0 to 7 of the key, big-endian, padded with zeros.
    head_first: u64,
    location: u64,
    /// The sequence, and the kind in the lowest byte.
    sequence_and_kind: u64,
    /// Bytes 8 to 11.
    head_rest: u32,
    part: u32,
}

const _: () = assert!(size_of::<Cell>() == 32);

impl Cell {
    /// The cell of an entry of part `part` whose key has this head.
    pub(super) fn new(head: Head, sequence: Sequence, kind: Kind, part: usize, location: Location) -> Self {
        Cell {
            head_first: head.first,
            location: location.to_bits(),
            sequence_and_kind: sequence << 8 | u64::from(kind.code()),
            head_rest: head.rest,
            part: part as u32,
        }
    }

    /// The head of the key.
    #[inline]
    pub(super) fn head(&self) -> Head {
        Head { first: self.head_first, rest: self.head_rest }
    }

    pub(super) fn sequence(&self) -> Sequence {
        self.sequence_and_kind >> 8
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_code(self.sequence_and_kind as u8).unwrap_or(Kind::Delete)
    }

    /// Which part holds the entry.
    pub(super) fn part(&self) -> usize {
        self.part as usize
    }

    /// Where in the part it lies.
    pub(super) fn location(&self) -> Location {
        Location::from_bits(self.location)
    }

    /// The same entry at another place.
    pub(super) fn moved(self, part: usize, location: Location) -> Self {
        Cell { location: location.to_bits(), part: part as u32, ..self }
    }

    /// The same entry after the parts were numbered anew.
    pub(super) fn in_part(self, part: u32) -> Self {
        Cell { part, ..self }
    }
}
