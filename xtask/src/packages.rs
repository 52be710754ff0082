//! Files out of Debian's packages: downloaded with `apt-get`, unpacked without being installed, decompressed, verified.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::chore::{self, Failure, Outcome};

/// Downloads a package and unpacks it into a folder of its name.
pub(crate) fn unpack(package: &str, packed: &Path) -> Outcome {
    let mut download = Command::new("apt-get");
    chore::run(&format!("download {package}"), download.args(["download", package]).current_dir(packed))?;
    let is_of_package = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&format!("{package}_")) && name.ends_with(".deb"))
    };
    let files = fs::read_dir(packed)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    let file = files.into_iter().find(is_of_package);
    let file = file.ok_or_else(|| Failure(format!("apt-get downloaded no file of {package}")))?;
    let mut extract = Command::new("dpkg-deb");
    chore::run(&format!("unpack {package}"), extract.arg("-x").arg(&file).arg(packed.join(package)))
}

/// Where an unpacked package has its documents and examples.
pub(crate) fn documents(packed: &Path, package: &str) -> PathBuf {
    packed.join(package).join("usr/share/doc")
}

/// The bytes of a file, or of a member of an archive.
pub(crate) fn decompressed(path: &Path, member: Option<&str>) -> Outcome<Vec<u8>> {
    let mut command = match member {
        Some(member) => {
            let mut tar = Command::new("tar");
            tar.arg("-xzOf").arg(path).arg(member);
            tar
        }
        None => {
            let is_xz = path.extension().is_some_and(|ending| ending == "xz");
            let mut decoder = Command::new(if is_xz { "xz" } else { "gzip" });
            decoder.arg("-dc").arg(path);
            decoder
        }
    };
    output_of(&mut command)
}

/// What a command writes to its standard output.
fn output_of(command: &mut Command) -> Outcome<Vec<u8>> {
    let program = command.get_program().to_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure(format!("cannot start {program:?}: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure(format!("{program:?} failed ({})", output.status)))
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Outcome<String> {
    let text = output_of(Command::new("sha256sum").arg(path))?;
    let digits: Vec<u8> = text.into_iter().take_while(u8::is_ascii_hexdigit).collect();
    String::from_utf8(digits).map_err(|_| Failure("sha256sum wrote no digits".to_owned()))
}
