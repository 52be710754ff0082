//! What is read of a section: its bytes, each page verified when it is touched.

use std::ops::Range;

use super::checks::{Awaited, PageChecks};
use crate::layer::packed::{Bytes, words};

/// Bytes of which each page is verified when it is first touched, unless all were before.
///
/// Where something is [awaited](Self::awaiting), bytes that were not read yet are not there, or zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paged<'a> {
    bytes: &'a [u8],
    /// Where they begin among those that `checks` is about.
    start: usize,
    checks: Option<&'a PageChecks>,
    awaited: Option<&'a Awaited>,
}

impl<'a> Paged<'a> {
    /// Bytes that need not be verified any more.
    pub(crate) fn verified(bytes: &'a [u8]) -> Self {
        Paged { bytes, start: 0, checks: None, awaited: None }
    }

    /// Bytes whose pages are verified when they are touched.
    pub(super) fn checked(checks: &'a PageChecks) -> Self {
        Paged { bytes: checks.bytes(), start: 0, checks: Some(checks), awaited: None }
    }

    /// The same bytes, for somebody who would rather be told than wait.
    pub(crate) fn awaiting(self, awaited: &'a Awaited) -> Self {
        Paged { awaited: Some(awaited), ..self }
    }

    /// Somebody is going to touch so many places, as far as can be told: where that is most of them, everything is
    /// asked for.
    pub(in crate::layer) fn expect(&self, places: usize) {
        if let Some(checks) = self.checks {
            checks.expect(places);
        }
    }

    /// All bytes, whether verified or not.
    pub(super) fn unverified(self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes before `at`, which must not be beyond the end, and those from there on.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        let (before, behind) = self.bytes.split_at(at);
        (Paged { bytes: before, ..self }, Paged { bytes: behind, start: self.start + at, ..self })
    }

    /// A part of the bytes, not touched yet; none where it reaches beyond the end.
    pub(in crate::layer) fn part(self, range: Range<usize>) -> Option<Self> {
        Some(Paged { start: self.start + range.start, bytes: self.bytes.get(range)?, ..self })
    }

    /// A part of the bytes, touched; none where it reaches beyond the end.
    #[inline]
    pub(in crate::layer) fn get(&self, range: Range<usize>) -> Option<&'a [u8]> {
        let part = self.bytes.get(range.clone())?;
        self.touch(range).then_some(part)
    }

    /// `N` bytes from `at` on; none where they reach beyond the end.
    #[inline]
    pub(crate) fn chunk<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        let chunk = self.bytes.get(at..)?.first_chunk::<N>()?;
        self.touch(at..at + N).then_some(chunk)
    }

    /// All bytes, which must have been [verified](Self::verified).
    pub(in crate::layer) fn whole(&self) -> &'a [u8] {
        self.touch(0..self.bytes.len());
        self.bytes
    }

    #[inline]
    pub(super) fn touch(&self, range: Range<usize>) -> bool {
        self.checks
            .is_none_or(|checks| checks.touch(self.start + range.start..self.start + range.end, self.awaited))
    }
}

impl Bytes for Paged<'_> {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn pair(&self, at: usize) -> [u64; 2] {
        // Touched first, so that the storage is asked before the system reads what it likes.
        if !self.touch(at..at + 16) {
            return [0; 2];
        }
        self.bytes[at..at + 16].first_chunk::<16>().map_or([0; 2], words)
    }
}
