//! What a figure depends on beside the program: machine, versions, settings.

use std::process::Command;

use crate::arguments::Settings;

/// The lock file of this workspace, which knows the versions of the peers.
const LOCK_FILE: &str = include_str!("../Cargo.lock");

/// The name of a peer with the version built in, such as `redb 4.5.0`. Where there are two of a package, the
/// beginning of the version says which: `redb@4`.
pub(crate) fn with_version(package: &str) -> String {
    let (package, beginning) = package.split_once('@').unwrap_or((package, ""));
    let name = format!("name = \"{package}\"");
    let lines: Vec<&str> = LOCK_FILE.lines().collect();
    let after_names = lines.windows(2).filter(|pair| pair[0] == name);
    let mut versions = after_names.filter_map(|pair| pair[1].split('"').nth(1));
    let version = versions.find(|version| version.starts_with(beginning)).unwrap_or("of unknown version");
    format!("{package} {version}")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The value of a line `name : value` in one of the files of `/proc`.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown".into(), |(_, value)| value.trim().to_owned())
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or("unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The words that a program prints; none if there is no such program.
pub(crate) fn words_of(program: &str, arguments: &[&str]) -> Option<Vec<String>> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// The name and version of the system's C library, such as `glibc 2.36`.
pub(crate) fn c_library() -> String {
    output_of("getconf", &["GNU_LIBC_VERSION"])
}

/// Processes that wanted to run in the last 1, 5 and 15 minutes.
pub(crate) fn load_average() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Everything that is printed with a run and written beside its figures.
pub(crate) fn facts(settings: &Settings) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("processor", format!("{}, {cores} cores", field("/proc/cpuinfo", "model name"))),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("system", format!("Linux {}", read("/proc/sys/kernel/osrelease"))),
        ("transparent huge pages", read("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("compiler", output_of("rustc", &["--version"])),
        ("commit", output_of("git", &["rev-parse", "--short", "HEAD"])),
        ("load at the start", load_average()),
        (
            "settings",
            format!(
                "{}{} runs, seed {}; kv: {} entries, {} MiB; logmem: {} MiB live; index: {} keys{}",
                if settings.quick { "quick, " } else { "" },
                settings.runs,
                settings.seed,
                settings.entries,
                settings.memory_bytes >> 20,
                settings.live_bytes >> 20,
                settings.keys,
                settings.part.map(|part| format!(", only {part}")).unwrap_or_default(),
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        assert!(with_version("redb").starts_with("redb 4."));
        assert!(with_version("no such package").ends_with("unknown version"));
    }
}
