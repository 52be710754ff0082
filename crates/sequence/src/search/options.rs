//! What a search is asked to tell.

/// Which samples are hits, how many of them are told, and what is told of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// Smallest share of a query's distinct k-mers that a hit must hold, from 0 to 1. At 0 every sample that
    /// holds any is a hit.
    pub threshold: f64,
    /// Tell only so many hits of each query, the best; none for all.
    pub top: Option<usize>,
    /// Tell of each hit where in the query the k-mers begin that the sample holds.
    pub positions: bool,
    /// Tell of each hit how often the k-mers found occur in the sample. The index must keep abundances.
    pub abundances: bool,
    /// How many threads search. Results come in the same order and are the same whatever their number.
    pub threads: usize,
}

impl Default for SearchOptions {
    /// Samples that hold at least 0.8 of a query's k-mers, all of them, without positions and abundances; one
    /// thread.
    fn default() -> Self {
        SearchOptions { threshold: 0.8, top: None, positions: false, abundances: false, threads: 1 }
    }
}
