//! How much memory a process holds, as the system counts it.

/// A process that can be asked: this one or another.
#[derive(Clone, Debug)]
pub(crate) struct Process(String);

impl Process {
    pub(crate) fn this() -> Process {
        Process("self".to_owned())
    }

    pub(crate) fn other(id: u32) -> Process {
        Process(id.to_string())
    }

    /// A field of the process's `status` that is in kibibytes, in bytes; 0 where the system has no such file.
    fn status_bytes(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line =
            text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
        kibibytes.and_then(|word| word.parse::<u64>().ok()).unwrap_or(0) * 1024
    }
}

/// What was resident when a measurement began; later figures are told over that.
#[derive(Clone, Debug)]
pub struct Resident {
    process: Process,
    start_anonymous_bytes: u64,
    start_bytes: u64,
}

impl Resident {
    /// Begins here with this process, and forgets the peak so far.
    pub fn begin() -> Resident {
        Resident::of(Process::this())
    }

    /// Begins here with a process, and forgets its peak so far.
    pub(crate) fn of(process: Process) -> Resident {
        // Without the right to do so the peak of the program's start stays in, which is less than what follows.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", process.0), "5");
        let start_anonymous_bytes = process.status_bytes("RssAnon");
        Resident { start_anonymous_bytes, start_bytes: process.status_bytes("VmRSS"), process }
    }

    /// Bytes gained since, without pages of files such as the program's own.
    pub fn gained_bytes(&self) -> u64 {
        self.process.status_bytes("RssAnon").saturating_sub(self.start_anonymous_bytes)
    }

    /// The most that was gained at any time since, pages of files included.
    pub fn peak_bytes(&self) -> u64 {
        self.process.status_bytes("VmHWM").saturating_sub(self.start_bytes)
    }
}
