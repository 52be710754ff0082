//! Search results as a Parquet file: the columns of the table, typed, in row groups, compressed.
//!
//! Written by hand from the format's description (Apache Parquet, `parquet.thrift` and `Encodings.md`): a flat table
//! needs few of its parts. Streamed: nothing is sought back to.

mod column;
mod metadata;
#[cfg(test)]
mod tests;
mod thrift;
mod writer;

pub use writer::ParquetWriter;
