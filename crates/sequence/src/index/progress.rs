//! Tells whoever asked for long work how far it is. The library itself prints nothing.

use super::SampleInfo;

/// A step of adding a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// An input is opened.
    Opening {
        /// What it is called.
        input: &'a str,
    },
    /// Records are read and counted; told every few megabases.
    Counting {
        /// Records so far, over all inputs.
        records: u64,
        /// Bases so far.
        bases: u64,
    },
    /// Counted k-mers are read; told every million.
    Importing {
        /// Distinct k-mers of the file so far.
        kmers: u64,
    },
    /// All inputs were read; the k-mers are sorted and the layer is written.
    Writing {
        /// k-mers that were read, repeats included.
        kmers: u64,
    },
    /// One of many samples is durable.
    Added {
        /// What is known of it.
        sample: &'a SampleInfo,
    },
    /// The sample is durable; layers are being merged.
    Merging,
}

/// Takes news of long work.
pub trait Progress: Send + Sync {
    /// Called at each step, from the thread that works; should return soon.
    fn report(&self, step: Step<'_>);
}

/// Takes the news and does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn report(&self, _step: Step<'_>) {}
}
