//! An open dictionary file: where its bytes are, and that they are what was written.

use core::ops::Range;

use super::header::{HEADER_PAGES, Header, Layout, SectionKind};
use crate::mapped::{MappedError, MappedFile};
use crate::pages::{BadPage, SeenPages};

/// Where the bytes of a file are.
#[derive(Debug)]
pub(in crate::mapped) enum Backing {
    /// In the file, mapped.
    Mapped(MappedFile),
    /// In memory of our own.
    Owned(Vec<u8>),
}

impl Backing {
    /// The whole file. The bytes stay where they are when the value moves.
    #[inline]
    pub(in crate::mapped) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(file) => file.bytes(),
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A file whose header has been read and fits it.
#[derive(Debug)]
pub(in crate::mapped) struct Container {
    backing: Backing,
    place: String,
    pub(super) header: Header,
    pub(super) layout: Layout,
    /// Missing if pages are not to be checked as they are touched.
    seen: Option<SeenPages>,
}

impl Container {
    /// Reads the header. `place` names the file in errors.
    pub(in crate::mapped) fn open(
        backing: Backing,
        place: String,
        check_pages: bool,
    ) -> Result<Self, MappedError> {
        let (header, layout) = Header::decode(backing.bytes(), &place)?;
        let seen = check_pages.then(|| SeenPages::none(layout.index.start, HEADER_PAGES));
        Ok(Self { backing, place, header, layout, seen })
    }

    pub(in crate::mapped) fn bytes(&self) -> &[u8] {
        self.backing.bytes()
    }

    pub(in crate::mapped) fn place(&self) -> &str {
        &self.place
    }

    pub(in crate::mapped) fn count(&self) -> u64 {
        self.header.count
    }

    /// Where the index lies in the file.
    pub(in crate::mapped) fn index(&self) -> Range<usize> {
        self.layout.index.clone()
    }

    /// Where the one section of that kind lies in the file.
    pub(in crate::mapped) fn section(&self, kind: SectionKind) -> Result<Range<usize>, MappedError> {
        let mut of_kind = self.layout.sections.iter().filter(|(code, _)| *code == kind as u32);
        match (of_kind.next(), of_kind.next()) {
            (Some((_, range)), None) => Ok(range.clone()),
            _ => Err(self.inconsistent(28, "a section is missing or there twice")),
        }
    }

    /// Compares the types in the header with those of the caller.
    pub(in crate::mapped) fn expect_types(
        &self,
        key_type: u32,
        value_size: usize,
    ) -> Result<(), MappedError> {
        let value_size = u32::try_from(value_size).unwrap_or(u32::MAX);
        let both = [
            ("keys of type", key_type, self.header.key_type),
            ("values of a size of", value_size, self.header.value_size),
        ];
        for (what, expected, found) in both {
            if expected != found {
                return Err(MappedError::WrongType { place: self.place.clone(), what, expected, found });
            }
        }
        Ok(())
    }

    /// Checks the pages that hold `bytes`, a stretch of a section, if they were not before.
    #[inline(always)]
    pub(in crate::mapped) fn touch(&self, bytes: Range<usize>) -> Result<(), BadPage> {
        match &self.seen {
            Some(seen) if !seen.all_seen(&bytes) => self.check_pages(seen, bytes),
            _ => Ok(()),
        }
    }

    /// As [`touch`](Self::touch), with the error that names the file.
    #[inline(always)]
    pub(in crate::mapped) fn check(&self, bytes: Range<usize>) -> Result<(), MappedError> {
        self.touch(bytes).map_err(|page| self.damaged(page))
    }

    #[cold]
    #[inline(never)]
    fn check_pages(&self, seen: &SeenPages, bytes: Range<usize>) -> Result<(), BadPage> {
        if let Backing::Mapped(file) = &self.backing {
            let rows = seen.rows(&bytes);
            file.ask_for(self.layout.table.start + rows.start..self.layout.table.start + rows.end);
            file.ask_for(bytes.clone());
        }
        seen.check(self.bytes(), &self.bytes()[self.layout.table.clone()], bytes)
    }

    /// Whether [`touch`](Self::touch) does anything.
    #[inline(always)]
    pub(in crate::mapped) fn checks_pages(&self) -> bool {
        self.seen.is_some()
    }

    pub(in crate::mapped) fn inconsistent(&self, offset: u64, what: &'static str) -> MappedError {
        MappedError::Inconsistent { place: self.place.clone(), offset, what }
    }

    #[cold]
    pub(in crate::mapped) fn damaged(&self, page: BadPage) -> MappedError {
        let BadPage { offset, stored, computed } = page;
        let what = match self.layout.sections.iter().find(|(_, range)| offset < range.end) {
            Some((kind, _)) if *kind == SectionKind::Values as u32 => "a page of values",
            _ => "a page of keys",
        };
        MappedError::Damaged { place: self.place.clone(), what, offset: offset as u64, stored, computed }
    }
}
