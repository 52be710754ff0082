//! The end-to-end tests: installs the real clients (pymongo, mongosh) beside the build and runs the Python suite.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::chore::{self, Outcome, cargo, project_root};

/// Builds `stroma`, installs the clients where they are missing, and runs `tests/end_to_end`.
pub(crate) fn run() -> Outcome {
    let suite = project_root().join("tests/end_to_end");
    let tools = project_root().join("target/end-to-end");
    std::fs::create_dir_all(&tools)?;
    // With what is off by default and has a test.
    let build = ["build", "--release", "--package", "stroma", "--features", "parquet"];
    chore::run("build stroma", &mut cargo(&build))?;
    let python = install_python(&suite, &tools)?;
    let mongosh = install_mongosh(&suite, &tools)?;
    let mut tests = Command::new(python);
    tests
        .args(["-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", "--durations=5"])
        .arg(&suite)
        .env("STROMA_BINARY", project_root().join("target/release/stroma"))
        .env("STROMA_MONGOSH", mongosh)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(project_root());
    chore::run("end-to-end tests", &mut tests)
}

/// A virtual environment with the pinned packages of `requirements.txt`; made anew when that file changes.
fn install_python(suite: &Path, tools: &Path) -> Outcome<PathBuf> {
    let environment = tools.join("python");
    let python = environment.join("bin/python");
    let wanted = suite.join("requirements.txt");
    if !is_current(&wanted, &environment)? {
        chore::run(
            "make a Python environment",
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment),
        )?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
        chore::run("install pymongo, pytest, duckdb and snakemake", &mut install)?;
        std::fs::copy(&wanted, stamp(&environment))?;
    }
    Ok(python)
}

/// `mongosh` from the pinned lock file; installed anew when that file changes.
fn install_mongosh(suite: &Path, tools: &Path) -> Outcome<PathBuf> {
    let folder = tools.join("node");
    let wanted = suite.join("package-lock.json");
    if !is_current(&wanted, &folder)? {
        std::fs::create_dir_all(&folder)?;
        for name in ["package.json", "package-lock.json", ".npmrc"] {
            std::fs::copy(suite.join(name), folder.join(name))?;
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
        chore::run("install mongosh", install.current_dir(&folder))?;
        std::fs::copy(&wanted, stamp(&folder))?;
    }
    Ok(folder.join("node_modules/.bin/mongosh"))
}

/// The copy of the wanted list that a finished installation leaves behind.
fn stamp(folder: &Path) -> PathBuf {
    folder.join(".installed")
}

fn is_current(wanted: &Path, folder: &Path) -> Outcome<bool> {
    let wanted = std::fs::read(wanted)?;
    Ok(std::fs::read(stamp(folder)).is_ok_and(|installed| installed == wanted))
}
