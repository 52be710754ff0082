//! The chores of the project, run as `cargo xtask <chore>`.

fn main() {}
