//! Reads k-mers that another program has counted already: databases of KMC, files of Squeakr.
//!
//! Byte by byte in `docs/formats/imported-counts.md`.

mod error;
mod file;
mod kmc;
mod kmc_header;
mod runs;
mod source;
mod squeakr;
mod squeakr_header;
#[cfg(test)]
mod tests;
mod unmix;

pub use error::{ImportError, ImportErrorKind};
pub use file::{CountedKmers, Program, sample_name};
