//! What happens, line by line, for whoever repeats a seed that failed.

/// Whether `STROMA_TORTURE_TRACE` is set.
pub(crate) fn is_traced() -> bool {
    std::env::var_os("STROMA_TORTURE_TRACE").is_some()
}

/// Prints a line if that is wanted.
pub(crate) fn trace(line: impl FnOnce() -> String) {
    if is_traced() {
        println!("{}", line());
    }
}
