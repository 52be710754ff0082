//! The table behind the leaves of a file: what is known of each leaf, in the order of keys.

use crate::Key;
use crate::map::leaf::Head;
use crate::map::node_ref::NodeKind;
use crate::stored::{u32_at, u64_at};

/// Bytes of a row.
pub(super) const ROW: usize = 48;

/// What the table says of a leaf.
pub(super) struct Row<K> {
    pub(super) leaf: u32,
    pub(super) kind: NodeKind,
    pub(super) head: Head<K>,
    /// Of all bytes of the leaf.
    pub(super) checksum: u64,
}

impl<K: Key> Row<K> {
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&self.leaf.to_le_bytes());
        into.extend_from_slice(&(self.head.len() as u16).to_le_bytes());
        into.extend_from_slice(&u16::from(self.kind == NodeKind::Gapped).to_le_bytes());
        into.extend_from_slice(&self.checksum.to_le_bytes());
        self.head.write_line(into);
        into.resize(start + ROW, 0);
    }

    /// Reads a row; `None` if the kind is none. The rest may say anything.
    pub(super) fn read(row: &[u8; ROW], next: u32) -> Option<Self> {
        let kind = match u16::from_le_bytes([row[6], row[7]]) {
            0 => NodeKind::Packed,
            1 => NodeKind::Gapped,
            _ => return None,
        };
        let len = u16::from_le_bytes([row[4], row[5]]);
        let head = Head::read_line(&row[16..], len, next);
        Some(Self { leaf: u32_at(row, 0), kind, head, checksum: u64_at(row, 8) })
    }
}
