//! Log-structured memory: a concurrent in-memory key-value store of segments with a cleaner
