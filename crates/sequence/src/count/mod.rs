//! Counts the canonical k-mers of one sample, partition by partition, exactly.

mod counter;
mod sample;

pub(crate) use sample::SampleCounter;
