//! Covers the k-mers of one partition with paths, each k-mer on just one.
//!
//! A path goes from a k-mer to one that overlaps it in k - 1 bases, as long as there is one that no path has. Of
//! several the one of the same colour is taken, so that colours change seldom along a path. Paths may pass through
//! branches of the graph, which makes them longer than unitigs and fewer: Břinda, Baym, Kucherov, "Simplitigs as an
//! efficient and scalable representation of de Bruijn graphs", Genome Biology 22 (2021).

use stroma_quotient::Key;

use super::DictionaryError;
use super::bases::BaseString;
use super::oriented::{Length, Oriented};
use super::table::KmerTable;

/// Paths, the bases of all of them one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    pub(super) bases: BaseString,
    /// Where each path begins in `bases`, and its first run.
    pub(super) begins: Vec<(u64, u64)>,
    /// Where the first k-mer of each run begins, and the run's colour.
    pub(super) runs: Vec<(u64, u32)>,
}

impl Paths {
    /// Begins a path with the bases of a k-mer.
    fn begin<W: Key>(&mut self, kmer: W, k: u32, colour: u32) {
        self.begins.push((self.bases.len(), self.runs.len() as u64));
        self.runs.push((self.bases.len(), colour));
        self.bases.push_kmer(kmer, k);
    }

    /// Appends other paths, with other colours in place of theirs.
    pub(super) fn append(&mut self, other: &Paths, colour: impl Fn(u32) -> u32) {
        let (base, run) = (self.bases.len(), self.runs.len() as u64);
        self.begins.extend(other.begins.iter().map(|&(begin, first_run)| (base + begin, run + first_run)));
        self.runs.extend(other.runs.iter().map(|&(start, of)| (base + start, colour(of))));
        self.bases.append(&other.bases, 0..other.bases.len(), false);
    }

    /// Bytes of memory in use. Room that lists have to grow takes none before it is touched.
    pub(super) fn bytes(&self) -> u64 {
        let begins = self.begins.len() * size_of::<(u64, u64)>();
        let runs = self.runs.len() * size_of::<(u64, u32)>();
        (begins + runs) as u64 + self.bases.bytes()
    }

    /// Appends a k-mer's last base to the path begun last.
    fn extend(&mut self, code: u64, k: u32, colour: u32) {
        if self.runs.last().is_none_or(|&(_, last)| last != colour) {
            self.runs.push((self.bases.len() + 1 - u64::from(k), colour));
        }
        self.bases.push(code);
    }
}

/// A step to a neighbour: the base appended, the k-mer reached, its slot and colour.
struct Step<W> {
    code: u64,
    at: Oriented<W>,
    slot: usize,
    colour: u32,
}

/// Appends paths that cover different k-mers, each given with its colour, which `table` then holds. Linear
/// time on average.
///
/// # Errors
/// [`DictionaryError::UnsupportedKmer`] for a k-mer that comes twice.
pub(super) fn cover<W: Key>(
    kmers: &[(W, u32)],
    length: Length<W>,
    table: &mut KmerTable<W>,
    into: &mut Paths,
) -> Result<(), DictionaryError> {
    let twice = |kmer: W| DictionaryError::UnsupportedKmer { kmer: kmer.into(), what: "given twice" };
    table.fill(kmers).map_err(twice)?;
    let k = length.bases();
    let mut leftward: Vec<Step<W>> = Vec::new();
    for slot in 0..table.slots() {
        let Some((kmer, colour)) = table.take_slot(slot) else { continue };
        // First against the reading direction, along the other strand.
        let start = length.oriented(kmer);
        let (mut at, mut last) = (start.flipped(), colour);
        leftward.clear();
        while let Some(step) = next(table, length, at, last) {
            (at, last) = (step.at, step.colour);
            leftward.push(step);
        }
        into.begin(at.reverse, k, last);
        for pair in (0..leftward.len()).rev() {
            // Going back appends the complement of the base that was dropped in coming.
            let colour_behind = if pair == 0 { colour } else { leftward[pair - 1].colour };
            let behind = if pair == 0 { start } else { leftward[pair - 1].at.flipped() };
            into.extend(behind.forward.low() & 3, k, colour_behind);
        }
        (at, last) = (start, colour);
        while let Some(step) = next(table, length, at, last) {
            (at, last) = (step.at, step.colour);
            into.extend(step.code, k, step.colour);
        }
    }
    Ok(())
}

/// Takes the neighbour to go on to: one of the same colour, else one of another.
#[inline]
fn next<W: Key>(
    table: &mut KmerTable<W>,
    length: Length<W>,
    from: Oriented<W>,
    colour: u32,
) -> Option<Step<W>> {
    let mut best: Option<Step<W>> = None;
    for code in 0..4 {
        let at = length.step(from, code);
        let Some((slot, found)) = table.free(at.canonical()) else { continue };
        let is_same = found == colour;
        if is_same || best.is_none() {
            best = Some(Step { code, at, slot, colour: found });
        }
        if is_same {
            break;
        }
    }
    table.take(best.as_ref()?.slot);
    best
}
