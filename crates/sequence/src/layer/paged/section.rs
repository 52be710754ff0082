//! A section in a layer file, and the table of its pages' checksums behind it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use stroma_hybrid::pages::{PAGE_BYTES, check_page};
use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::xxh3_64;

use super::checks::{PageChecks, in_place};
use super::view::Paged;
use crate::layer::LayerError;
use crate::layer::format::SectionPointer;

/// A section whose pages have checksums. Where the blob is mapped it is used in place, else it is read once and kept.
#[derive(Debug)]
pub(in crate::layer) struct PagedSection {
    pointer: SectionPointer,
    opened: OnceLock<Opened>,
    /// Set once all pages were found whole.
    is_whole: OnceLock<()>,
}

#[derive(Debug)]
enum Opened {
    InPlace(PageChecks),
    /// Verified.
    Own(Vec<u8>),
}

impl PagedSection {
    /// `pointer` must lie, with its table, within the blob that is given to the other functions.
    pub(in crate::layer) fn new(pointer: SectionPointer) -> Self {
        PagedSection { pointer, opened: OnceLock::new(), is_whole: OnceLock::new() }
    }

    /// The bytes, each page verified when it is touched. The first time the table of checksums is verified.
    pub(in crate::layer) fn view<'a>(&'a self, blob: &'a Arc<dyn Blob>) -> Result<Paged<'a>, LayerError> {
        let opened = match self.opened.get() {
            Some(opened) => opened,
            None => {
                let opened = self.open(blob)?;
                self.opened.get_or_init(|| opened)
            }
        };
        Ok(match opened {
            Opened::Own(bytes) => Paged::verified(bytes),
            Opened::InPlace(checks) => Paged::checked(checks),
        })
    }

    /// The bytes, all of which are verified if they were not before: for who reads all of them.
    pub(in crate::layer) fn whole<'a>(&'a self, blob: &'a Arc<dyn Blob>) -> Result<Paged<'a>, LayerError> {
        let view = self.view(blob)?;
        if self.is_whole.get().is_none() {
            view.touch(0..view.len());
            self.check_touched(&**blob)?;
            let _ = self.is_whole.set(());
        }
        Ok(Paged::verified(view.unverified()))
    }

    /// Fails if a page was touched that is damaged.
    pub(in crate::layer) fn check_touched(&self, blob: &dyn Blob) -> Result<(), LayerError> {
        let Some(Opened::InPlace(checks)) = self.opened.get() else { return Ok(()) };
        checks.damaged().map_or(Ok(()), |page| Err(self.damaged_page(blob, page)))
    }

    /// Verifies all checksums now, whether that was done before or not.
    pub(in crate::layer) fn verify(&self, blob: &dyn Blob) -> Result<(), LayerError> {
        if blob.mapped().is_none() {
            return self.read(blob).map(|_| ());
        }
        let (bytes, table) = self.ranges(blob)?;
        self.check_table(blob, in_place(blob, &table))?;
        self.check_pages(blob, in_place(blob, &bytes), in_place(blob, &table))
    }

    fn open(&self, blob: &Arc<dyn Blob>) -> Result<Opened, LayerError> {
        if blob.mapped().is_none() {
            return self.read(&**blob).map(Opened::Own);
        }
        let (bytes, table) = self.ranges(&**blob)?;
        blob.prefetch(table.start as u64, table.len() as u64);
        self.check_table(&**blob, in_place(&**blob, &table))?;
        Ok(Opened::InPlace(PageChecks::new(blob, bytes, table)))
    }

    /// Reads the bytes into memory of their own, verified.
    fn read(&self, blob: &dyn Blob) -> Result<Vec<u8>, LayerError> {
        let (range, rows) = self.ranges(blob)?;
        let (mut bytes, mut table) = (vec![0; range.len()], vec![0; rows.len()]);
        blob.read_exact_at(range.start as u64, &mut bytes)?;
        blob.read_exact_at(rows.start as u64, &mut table)?;
        self.check_table(blob, &table)?;
        self.check_pages(blob, &bytes, &table)?;
        Ok(bytes)
    }

    /// Where bytes and table are in the blob.
    fn ranges(&self, blob: &dyn Blob) -> Result<(Range<usize>, Range<usize>), LayerError> {
        let end = self.pointer.paged_end().filter(|&end| end <= blob.len());
        let (end, bytes) = match (end.map(usize::try_from), self.pointer.end()) {
            (Some(Ok(end)), Some(bytes)) => (end, bytes as usize),
            _ => return Err(self.corrupt(blob, "the section lies outside the file")),
        };
        let (start, table) = (self.pointer.offset.get() as usize, table_bytes(self.pointer.bytes.get()));
        Ok((start..bytes, end - table as usize..end))
    }

    fn check_table(&self, blob: &dyn Blob, table: &[u8]) -> Result<(), LayerError> {
        if xxh3_64(table) == self.pointer.checksum.get() {
            return Ok(());
        }
        Err(self.corrupt(blob, "the checksum of the section's checksums does not match"))
    }

    fn check_pages(&self, blob: &dyn Blob, bytes: &[u8], table: &[u8]) -> Result<(), LayerError> {
        (0..bytes.len().div_ceil(PAGE_BYTES)).try_for_each(|page| {
            check_page(bytes, table, 0, page).map_err(|page| self.damaged_page(blob, page.offset))
        })
    }

    fn damaged_page(&self, blob: &dyn Blob, page: usize) -> LayerError {
        let offset = self.pointer.offset.get().saturating_add(page as u64);
        LayerError::Corrupt {
            place: blob.describe(),
            offset,
            what: "the checksum of the page does not match",
        }
    }

    pub(in crate::layer) fn corrupt(&self, blob: &dyn Blob, what: &'static str) -> LayerError {
        LayerError::Corrupt { place: blob.describe(), offset: self.pointer.offset.get(), what }
    }
}

/// Bytes of the table for so many bytes.
pub(in crate::layer) fn table_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE_BYTES as u64) * size_of::<u64>() as u64
}
