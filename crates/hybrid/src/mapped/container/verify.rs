//! Reads a whole file and compares every byte with what was written.

use xxhash_rust::xxh3::xxh3_64;

use super::Container;
use super::header::{HEADER_PAGES, Header};
use crate::mapped::MappedError;
use crate::pages::{PAGE_BYTES, check_page};

impl Container {
    /// Checks the header again, the table of checksums, every page, and that what fills the index's last page
    /// is zero. The index itself has a checksum that whoever reads it checks.
    pub(in crate::mapped) fn verify(&self) -> Result<(), MappedError> {
        let file = self.bytes();
        let (header, layout) = Header::decode(file, self.place())?;
        if header != self.header || layout != self.layout {
            return Err(self.inconsistent(0, "its header is another one than when it was opened"));
        }
        let table = &file[layout.table.clone()];
        let (stored, computed) = (header.table_checksum, xxh3_64(table));
        if stored != computed {
            let (place, offset) = (self.place().to_owned(), layout.table.start as u64);
            let what = "the table of page checksums";
            return Err(MappedError::Damaged { place, what, offset, stored, computed });
        }
        for page in HEADER_PAGES..layout.index.start / PAGE_BYTES {
            check_page(file, table, HEADER_PAGES, page).map_err(|page| self.damaged(page))?;
        }
        if file[layout.index.end..layout.table.start].iter().any(|byte| *byte != 0) {
            return Err(self.inconsistent(layout.index.end as u64, "what fills the index's page is not zero"));
        }
        Ok(())
    }
}
