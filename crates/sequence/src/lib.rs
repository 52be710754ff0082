//! Exact sequence search: counted k-mers in coloured layers
#![cfg_attr(test, allow(clippy::disallowed_methods))]
pub mod kmer;
pub mod reader;
