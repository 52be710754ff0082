//! Stromatolite's command line
fn main() {}
