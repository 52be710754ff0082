//! Puts a dictionary file together: sections side by side as they come, then everything in one file.

use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::build_file::BuildFile;
use super::header::{Header, SectionKind};
use super::page_writer::PageWriter;
use crate::mapped::MappedError;
use crate::mapped::error::show;
use crate::pages::PAGE_BYTES;

/// A file of `N` sections that are written side by side.
///
/// The first section goes straight to where it stays; each other one waits in a file of its own until
/// the end, so the section that will be largest ought to be the first. Memory: a buffer of 1 MiB for each
/// section, and 8 bytes for each page of 4096 bytes written.
#[derive(Debug)]
pub(in crate::mapped) struct ContainerWriter<const N: usize> {
    target: PathBuf,
    sections: [(SectionKind, PageWriter<BuildFile>); N],
    /// A write failed, so the file cannot become whole any more.
    failed: bool,
}

impl<const N: usize> ContainerWriter<N> {
    pub(in crate::mapped) fn create(target: &Path, kinds: [SectionKind; N]) -> Result<Self, MappedError> {
        let mut files = Vec::with_capacity(N);
        for number in 0..N {
            files.push(BuildFile::create(target, number)?);
        }
        if let Some(first) = files.first_mut() {
            // The header's place: it is written last.
            first.write_all(&[0; PAGE_BYTES]).map_err(|source| MappedError::io("write", target, source))?;
        }
        let mut files = files.into_iter().map(PageWriter::new);
        let mut sections = Vec::with_capacity(N);
        sections.extend(kinds.into_iter().zip(files.by_ref()));
        let Ok(sections) = <[_; N]>::try_from(sections) else {
            return Err(MappedError::Abandoned { place: show(target) });
        };
        Ok(Self { target: target.to_owned(), sections, failed: false })
    }

    pub(in crate::mapped) fn target(&self) -> &Path {
        &self.target
    }

    /// The error of something that the file cannot become whole without.
    pub(in crate::mapped) fn give_up(&mut self, source: io::Error) -> MappedError {
        self.failed = true;
        MappedError::io("write", &self.target, source)
    }

    /// Adds to a section (by its place in `kinds`) what `append` puts at the end of the vector it is given.
    #[inline]
    pub(in crate::mapped) fn push(
        &mut self,
        section: usize,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), MappedError> {
        if self.failed {
            return Err(MappedError::Abandoned { place: show(&self.target) });
        }
        self.sections[section].1.push(append).map_err(|source| self.give_up(source))
    }

    /// Writes everything else, syncs the file and gives it its name; returns its length in bytes.
    ///
    /// `header` gives what the writer does not know: types, count.
    pub(in crate::mapped) fn finish(self, header: Header, index: &[u8]) -> Result<u64, MappedError> {
        if self.failed {
            return Err(MappedError::Abandoned { place: show(&self.target) });
        }
        let (target, sections) = (self.target, self.sections);
        let (file, length) = assemble(sections.into(), header, index)
            .map_err(|source| MappedError::io("write", &target, source))?;
        let Some(file) = file else { return Err(MappedError::Abandoned { place: show(&target) }) };
        file.publish(&target)?;
        Ok(length)
    }
}

fn assemble(
    sections: Vec<(SectionKind, PageWriter<BuildFile>)>,
    mut header: Header,
    index: &[u8],
) -> io::Result<(Option<BuildFile>, u64)> {
    let mut whole: Option<BuildFile> = None;
    let mut table = Vec::new();
    for (kind, writer) in sections {
        let (mut file, bytes, checksums) = writer.finish()?;
        header.sections.push((kind as u32, bytes));
        table.extend(checksums.iter().flat_map(|checksum| checksum.to_le_bytes()));
        match &mut whole {
            None => whole = Some(file),
            Some(whole) => {
                file.file().seek(SeekFrom::Start(0))?;
                append_file(&mut file, whole)?;
            }
        }
    }
    let Some(mut file) = whole else { return Ok((None, 0)) };
    header.index_bytes = index.len() as u64;
    header.table_checksum = xxh3_64(&table);
    file.write_all(index)?;
    file.write_all(&vec![0; index.len().next_multiple_of(PAGE_BYTES) - index.len()])?;
    file.write_all(&table)?;
    let length = file.file().stream_position()?;
    file.file().seek(SeekFrom::Start(0))?;
    file.write_all(&header.encode(length))?;
    Ok((Some(file), length))
}

/// Copies from where `from` stands to its end, to where `into` stands.
fn append_file(from: &mut BuildFile, into: &mut BuildFile) -> io::Result<()> {
    let mut buffer = vec![0; 256 * PAGE_BYTES];
    loop {
        match io::Read::read(from.file(), &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(some) => into.write_all(&buffer[..some])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
