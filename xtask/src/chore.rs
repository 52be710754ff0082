//! What every chore needs: the project's root, running a command with its output shown, and a failure to report.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Why a chore did not succeed, in words for the person who ran it.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure(error.to_string())
    }
}

/// The outcome of a chore.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The workspace's root folder: the parent of this package.
pub(crate) fn project_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// A `cargo` command in the project's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(project_root());
    command
}

/// Runs a command with its output shown, says how long it took, and fails when it does.
pub(crate) fn run(title: &str, command: &mut Command) -> Outcome {
    println!("\n=== {title}");
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| Failure(format!("cannot start {:?}: {error}", command.get_program())))?;
    println!("=== {title}: {:.0} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(Failure(format!("{title} failed ({status})"))) }
}
