//! What the tests share: genomes, the oracle, and short ways to handle an index.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file includes it and uses a part")]

mod genomes;
mod index;
mod oracle;

pub use genomes::*;
pub use index::*;
pub use oracle::*;
