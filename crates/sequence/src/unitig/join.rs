//! Joins paths end to end wherever two ends overlap in k - 1 bases, and writes the strings that come of it.
//!
//! At each word of k - 1 bases, ends that come in are paired with ends that go out until one sort is used up, so that
//! no two strings remain that could be joined: but for closed circles, which are cut, no cover of the k-mers has fewer
//! strings (Schmidt, Alanko: "Eulertigs: minimum plain text representation of k-mer sets without repetitions in linear
//! time", Algorithms for Molecular Biology 18, 2023). Ends of one colour are paired first.

use stroma_hybrid::prefetch_line;
use stroma_quotient::Key;

use super::bases::BaseString;
use super::oriented::Length;
use super::paths::Paths;
use super::runs::RunList;

/// No end is joined to this one.
const ALONE: u32 = u32::MAX;
/// log2 of how many lists the ends are sorted in: each fits the processor's cache longer.
const LIST_BITS: u32 = 8;

/// The end of a path: twice its number, plus one at its right end.
type End = u32;

/// An end, as it is sorted: its overlap read outwards, made canonical, with the lowest bit saying which strand that is.
type Loose<W> = (W, u32, End);

/// The strings of a cover: each k-mer is on just one, once.
#[derive(Clone, Debug, Default)]
pub(super) struct Strings {
    pub(super) bases: BaseString,
    pub(super) runs: RunList,
    pub(super) strings: u64,
}

/// Bytes of memory for each path, beside the paths: while ends are paired or put in order, and while strings are
/// written.
pub(super) fn bytes_for_a_path<W: Key>() -> (u64, u64) {
    // Two ends in lists, and two mates; an end in the order of strings, and what may part it from the next string.
    (2 * size_of::<Loose<W>>() as u64 + 8, 8)
}

/// Joins the paths. Time: sorting two words for each path. Memory: those words at once, and the strings.
pub(super) fn join<W: Key>(paths: &Paths, k: u32) -> Strings {
    let order = in_order(&pair_ends::<W>(paths, k));
    let mut writer = Writer { paths, k: u64::from(k), out: Strings::default() };
    writer.write(&order);
    writer.out
}

/// The ends at which paths are entered, string after string, with [`ALONE`] behind each string. Strings that begin at
/// an end that is alone come first; then circles, cut where their first path begins.
///
/// It is found before anything is written, as each end must be awaited from memory before the next one is known: what
/// has to be read for writing then comes from memory while the strings before are written.
fn in_order(mates: &[u32]) -> Vec<End> {
    let paths = mates.len() / 2;
    let mut order = Vec::with_capacity(paths + paths / 8);
    let mut is_placed = vec![0_u64; paths.div_ceil(64)];
    let mut place_string = |mut end: End| {
        loop {
            let path = end / 2;
            let bit = 1 << (path % 64);
            if is_placed[path as usize / 64] & bit != 0 {
                return;
            }
            is_placed[path as usize / 64] |= bit;
            order.push(end);
            let mate = mates[(end ^ 1) as usize];
            if mate == ALONE || is_placed[mate as usize / 128] >> (mate / 2 % 64) & 1 != 0 {
                order.push(ALONE);
                return;
            }
            end = mate;
        }
    };
    let begins = (0..).zip(mates).filter(|&(_, &mate)| mate == ALONE).map(|(end, _)| end);
    begins.for_each(&mut place_string);
    (0..paths as u32).for_each(|path| place_string(2 * path));
    order
}

/// For each end the one that it is joined to.
fn pair_ends<W: Key>(paths: &Paths, k: u32) -> Vec<u32> {
    // Ends are spread evenly over the lists, so that few of them grow.
    let each = (2 * paths.begins.len()) >> LIST_BITS;
    let mut lists: Vec<Vec<Loose<W>>> = Vec::with_capacity(1 << LIST_BITS);
    lists.resize_with(1 << LIST_BITS, || Vec::with_capacity(each + each / 32 + 16));
    let overlap = Length::<W>::new(k - 1);
    for path in 0..paths.begins.len() {
        let (begin, first_run) = paths.begins[path];
        let (end, runs_end) = end_of(paths, path);
        let ends = [
            (overlap.oriented(paths.bases.kmer(begin, k - 1)).flipped(), first_run),
            (overlap.oriented(paths.bases.kmer(end + 1 - u64::from(k), k - 1)), runs_end - 1),
        ];
        for (side, (outward, run)) in (0..).zip(ends) {
            let canonical = outward.canonical();
            let strand = u64::from(canonical != outward.forward);
            let key = (canonical << 1) | W::from(strand);
            let list = canonical.low().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LIST_BITS);
            lists[list as usize].push((key, paths.runs[run as usize].1, 2 * path as u32 + side));
        }
    }
    let mut mates = vec![ALONE; 2 * paths.begins.len()];
    for mut list in lists {
        list.sort_unstable();
        for alike in list.chunk_by(|one, other| one.0 >> 1 == other.0 >> 1) {
            let word = alike[0].0 >> 1;
            if overlap.reverse_complement(word) == word {
                pair_palindromes(alike, &mut mates);
            } else {
                let (one, other) = alike.split_at(alike.partition_point(|loose| loose.0.low() & 1 == 0));
                pair_strands(one, other, &mut mates);
            }
        }
    }
    mates
}

/// Where a path ends: behind its last base, and behind its last run.
fn end_of(paths: &Paths, path: usize) -> (u64, u64) {
    paths.begins.get(path + 1).copied().unwrap_or((paths.bases.len(), paths.runs.len() as u64))
}

/// Pairs ends with ends of the other strand; both lists are sorted by colour.
fn pair_strands<W: Key>(one: &[Loose<W>], other: &[Loose<W>], mates: &mut [u32]) {
    let is_same_path = |a: End, b: End| a / 2 == b / 2;
    for same_colour in [true, false] {
        for &(_, colour, end) in one {
            if mates[end as usize] != ALONE {
                continue;
            }
            let mate = other.iter().find(|&&(_, theirs, mate)| {
                (!same_colour || theirs == colour)
                    && mates[mate as usize] == ALONE
                    && !is_same_path(end, mate)
            });
            if let Some(&(_, _, mate)) = mate {
                mates[end as usize] = mate;
                mates[mate as usize] = end;
            }
        }
    }
}

/// A word that is its own reverse complement: any two of its ends overlap.
fn pair_palindromes<W: Key>(alike: &[Loose<W>], mates: &mut [u32]) {
    let mut waiting: Option<End> = None;
    for &(_, _, end) in alike {
        match waiting {
            Some(other) if other / 2 != end / 2 => {
                mates[end as usize] = other;
                mates[other as usize] = end;
                waiting = None;
            }
            Some(_) => {}
            None => waiting = Some(end),
        }
    }
}

/// Paths between one being written and that which is asked of memory: where it lies, and later what it is.
const AHEAD: usize = 8;

struct Writer<'a> {
    paths: &'a Paths,
    k: u64,
    out: Strings,
}

impl Writer<'_> {
    /// Writes the strings of paths that are entered at these ends.
    fn write(&mut self, order: &[End]) {
        let mut is_first = true;
        for (at, &end) in order.iter().enumerate() {
            let path_at = |at: usize| order.get(at).filter(|&&end| end != ALONE).map(|&end| end as usize / 2);
            if let Some(path) = path_at(at + 2 * AHEAD) {
                prefetch_line(&self.paths.begins[path..]);
            }
            if let Some(path) = path_at(at + AHEAD) {
                let (begin, first_run) = self.paths.begins[path];
                self.paths.bases.prefetch(begin);
                prefetch_line(&self.paths.runs[first_run as usize..]);
            }
            if end == ALONE {
                if let Some(last) = self.out.runs.last_of_string.last_mut() {
                    *last = true;
                }
                self.out.strings += 1;
            } else {
                self.write_path(end as usize / 2, end & 1 == 1, is_first);
            }
            is_first = end == ALONE;
        }
    }

    fn write_path(&mut self, path: usize, is_backward: bool, is_first: bool) {
        let (begin, first_run) = self.paths.begins[path];
        let (end, runs_end) = end_of(self.paths, path);
        let overlap = self.k - 1;
        let skipped = if is_first { 0 } else { overlap };
        // Where the path's first k-mer begins in the strings.
        let base = self.out.bases.len() - skipped;
        let last_kmer = end - self.k;
        if is_backward {
            for run in (first_run..runs_end).rev() {
                let (_, colour) = self.paths.runs[run as usize];
                let behind =
                    if run + 1 < runs_end { self.paths.runs[run as usize + 1].0 - 1 } else { last_kmer };
                self.write_run(base + (last_kmer - behind), colour, is_first && run + 1 == runs_end);
            }
            self.out.bases.append(&self.paths.bases, begin..end - skipped, true);
        } else {
            for run in first_run..runs_end {
                let (start, colour) = self.paths.runs[run as usize];
                self.write_run(base + (start - begin), colour, is_first && run == first_run);
            }
            self.out.bases.append(&self.paths.bases, begin + skipped..end, false);
        }
    }

    fn write_run(&mut self, start: u64, colour: u32, begins_string: bool) {
        let runs = &mut self.out.runs;
        if !begins_string && runs.colours.last() == Some(&colour) {
            return;
        }
        runs.starts.push(start);
        runs.colours.push(colour);
        runs.last_of_string.push(false);
    }
}
