//! How much memory a process holds, as the system counts it.

/// What was resident when a measurement began; later figures are told over that.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    start_anonymous_bytes: u64,
    start_bytes: u64,
}

/// A field of `/proc/self/status` that is in kibibytes, in bytes; 0 where the system has no such file.
fn status_bytes(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|word| word.parse().ok());
    kibibytes.unwrap_or(0) * 1024
}

impl Resident {
    /// Begins here, and forgets the peak so far.
    pub fn begin() -> Resident {
        // Without the right to do so the peak of the program's start stays in, which is less than what follows.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Resident { start_anonymous_bytes: status_bytes("RssAnon"), start_bytes: status_bytes("VmRSS") }
    }

    /// Bytes gained since, without pages of files such as the program's own.
    pub fn gained_bytes(&self) -> u64 {
        status_bytes("RssAnon").saturating_sub(self.start_anonymous_bytes)
    }

    /// The most that was gained at any time since, pages of files included.
    pub fn peak_bytes(&self) -> u64 {
        status_bytes("VmHWM").saturating_sub(self.start_bytes)
    }
}
