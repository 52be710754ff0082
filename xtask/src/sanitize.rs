//! The tests of the crates that have `unsafe` modules, under AddressSanitizer or ThreadSanitizer.
//!
//! Sanitizers are flags of the unstable compiler. A stable one obeys them when `RUSTC_BOOTSTRAP` is set, which
//! is fine for a test and for nothing else. With the component `rust-src` the standard library is built with
//! the same flags. ThreadSanitizer is not run without: blind to what the standard library orders, it would
//! report that, and lists of reports to leave out hide others.

use std::path::Path;
use std::process::Command;

use crate::chore::{self, Failure, Outcome, cargo, project_root};

/// The one kind of machine that this is run on; both sanitizers know it.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates that have `unsafe` modules; `tidy` knows which.
const PACKAGES: [&str; 4] = ["stroma-logmem", "stroma-hybrid", "stroma-quotient", "stroma-strata"];

/// Which mistakes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sanitizer {
    /// Use after free, reads and writes out of bounds, leaks.
    Address,
    /// Accesses of two threads that nothing orders.
    Thread,
}

/// What the installed tool chain has for it.
struct ToolChain {
    /// Whether the standard library can be built with the sanitizer.
    has_sources: bool,
}

/// Runs the sanitizers that `words` name: none names both.
pub(crate) fn run(words: &[&str]) -> Outcome {
    for sanitizer in parse(words)? {
        let tools = look_for_tools(sanitizer)?;
        let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
        let tests: Vec<&str> = ["test", "--lib", "--tests"].into_iter().chain(packages).collect();
        run_under(sanitizer, &tools, "tests", &tests, &[])?;
        // With the profile of the tests, so that the standard library is not built once more.
        let stress = ["run", "--profile", "test", "--package", "stroma-logmem", "--example", "stress"];
        run_under(sanitizer, &tools, "stress", &stress, &["--", "20", "4", "1", "1"])?;
    }
    Ok(())
}

fn parse(words: &[&str]) -> Outcome<Vec<Sanitizer>> {
    match words {
        [] => Ok(vec![Sanitizer::Address, Sanitizer::Thread]),
        ["address"] => Ok(vec![Sanitizer::Address]),
        ["thread"] => Ok(vec![Sanitizer::Thread]),
        _ => Err(Failure(format!("`{}` is no sanitizer: say address or thread", words.join(" ")))),
    }
}

impl Sanitizer {
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::Thread => "thread",
        }
    }

    /// The runtime that the compiler links, as a file of the tool chain.
    fn runtime(self) -> &'static str {
        match self {
            Sanitizer::Address => "librustc-stable_rt.asan.a",
            Sanitizer::Thread => "librustc-stable_rt.tsan.a",
        }
    }

    fn flags(self) -> String {
        format!("-Zsanitizer={} -Cforce-frame-pointers=yes", self.name())
    }
}

fn look_for_tools(sanitizer: Sanitizer) -> Outcome<ToolChain> {
    let compiler = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let answer = compiler().args(["--print", "sysroot"]).current_dir(project_root()).output()?;
    let sysroot = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let libraries = Path::new(&sysroot).join("lib/rustlib");
    let target = libraries.join(TARGET).join("lib");
    if !target.is_dir() {
        return Err(Failure(format!("sanitizers are run on {TARGET}, whose library is not in {sysroot}")));
    }
    let has_runtime = target.join(sanitizer.runtime()).exists()
        || std::fs::read_dir(&target)?.flatten().any(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            name.ends_with(sanitizer.runtime().rsplit_once("_rt").map_or("", |(_, end)| end))
        });
    if !has_runtime {
        return Err(Failure(format!(
            "the tool chain in {sysroot} lacks the runtime of the {} sanitizer ({})",
            sanitizer.name(),
            sanitizer.runtime()
        )));
    }
    let has_sources = libraries.join("src/rust/library/std").is_dir();
    if sanitizer == Sanitizer::Thread && !has_sources {
        let remedy = "`rustup component add rust-src` installs it";
        return Err(Failure(format!(
            "the thread sanitizer needs the source of the standard library, to build it with the same flags, \
             and {sysroot} lacks it; {remedy}"
        )));
    }
    Ok(ToolChain { has_sources })
}

fn run_under(sanitizer: Sanitizer, tools: &ToolChain, what: &str, words: &[&str], rest: &[&str]) -> Outcome {
    let mut command = cargo(words);
    command
        .args(["--target", TARGET, "--target-dir"])
        // A folder of its own for each: the flags differ, and so everything is built anew.
        .arg(project_root().join("target/sanitizers").join(sanitizer.name()))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", sanitizer.flags())
        .env("ASAN_OPTIONS", "detect_leaks=1")
        .env("TSAN_OPTIONS", "exitcode=66");
    if tools.has_sources {
        command.args(["-Zbuild-std"]);
    }
    chore::run(&format!("{what} under the {} sanitizer", sanitizer.name()), command.args(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_both_or_a_refusal() {
        assert_eq!(parse(&[]).unwrap(), [Sanitizer::Address, Sanitizer::Thread]);
        assert_eq!(parse(&["thread"]).unwrap(), [Sanitizer::Thread]);
        for words in [&["memory"][..], &["address", "thread"]] {
            assert!(parse(words).unwrap_err().0.contains(words[0]));
        }
    }
}
