//! The machine's name, as replies carry it.

/// The machine's name, with the port.
pub(crate) fn host(port: u16) -> String {
    let given = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match given.trim() {
        "" => format!("localhost:{port}"),
        name => format!("{name}:{port}"),
    }
}
