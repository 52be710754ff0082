//! Downloads the packages with `apt-get`, unpacks them, and writes each genome as one FASTA file, verified.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::list::{Genome, genomes, packages};
use crate::chore::{self, Failure, Outcome, project_root};

/// Where the genomes go when no folder is named, below the project's root.
const FOLDER: &str = "target/genomes";

/// Fetches what is not there yet: a second run finds everything and downloads nothing.
pub(crate) fn run(folder: Option<&str>) -> Outcome {
    let folder = folder.map_or_else(|| project_root().join(FOLDER), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let all = genomes()?;
    let mut missing = Vec::new();
    for genome in &all {
        if !is_there(&folder, genome)? {
            missing.push(*genome);
        }
    }
    if !missing.is_empty() {
        let packed = folder.join("packages");
        fs::create_dir_all(&packed)?;
        for package in packages(&missing) {
            unpack(package, &packed)?;
        }
        for genome in &missing {
            write(genome, &packed, &folder)?;
        }
        fs::remove_dir_all(&packed)?;
    }
    write_table(&folder, &all)?;
    println!("{} genomes in {}, all checksums right", all.len(), folder.display());
    Ok(())
}

fn path_of(folder: &Path, genome: &Genome<'_>) -> PathBuf {
    folder.join(format!("{}.fa", genome.sample))
}

/// Whether a genome was fetched before and is what it should be.
fn is_there(folder: &Path, genome: &Genome<'_>) -> Outcome<bool> {
    let path = path_of(folder, genome);
    Ok(path.is_file() && sha256(&path)? == genome.sha256)
}

/// The table that `stroma index add --samples` reads.
fn write_table(folder: &Path, genomes: &[Genome<'_>]) -> Outcome {
    let rows = genomes.iter().map(|Genome { sample, .. }| format!("{sample}\t{sample}.fa\n"));
    let table: String = std::iter::once("sample\tpaths\n".to_owned()).chain(rows).collect();
    Ok(fs::write(folder.join("samples.tsv"), table)?)
}

/// Downloads a package and unpacks it into a folder of its name.
fn unpack(package: &str, packed: &Path) -> Outcome {
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

/// Writes the FASTA of a genome and verifies it.
fn write(genome: &Genome<'_>, packed: &Path, folder: &Path) -> Outcome {
    let source = packed.join(genome.package).join("usr/share/doc").join(genome.file);
    let mut text = decompressed(&source, genome.member)?;
    if let Some(accession) = genome.accession {
        text = records_named(&text, accession);
    }
    let path = path_of(folder, genome);
    fs::write(&path, text)?;
    let found = sha256(&path)?;
    if found == genome.sha256 {
        return Ok(());
    }
    fs::remove_file(&path)?;
    Err(Failure(format!(
        "{} of {} has SHA-256 {found}, not {}: this version of the package holds another genome",
        genome.file, genome.package, genome.sha256
    )))
}

/// The bytes of a file, or of a member of an archive.
fn decompressed(path: &Path, member: Option<&str>) -> Outcome<Vec<u8>> {
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

/// The records whose header holds the accession, as they stand.
fn records_named(fasta: &[u8], accession: &str) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut is_wanted = false;
    for line in fasta.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b">") {
            is_wanted = line.windows(accession.len()).any(|window| window == accession.as_bytes());
        }
        if is_wanted {
            kept.extend_from_slice(line);
        }
    }
    kept
}

fn sha256(path: &Path) -> Outcome<String> {
    let text = output_of(Command::new("sha256sum").arg(path))?;
    let digits: Vec<u8> = text.into_iter().take_while(u8::is_ascii_hexdigit).collect();
    String::from_utf8(digits).map_err(|_| Failure("sha256sum wrote no digits".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_picked_by_what_their_header_holds() {
        let fasta = b">gi|1|A.1| one\nAC\nGT\n>gi|2|B.1| two\nTT\n";
        assert_eq!(records_named(fasta, "A.1"), b">gi|1|A.1| one\nAC\nGT\n");
        assert_eq!(records_named(fasta, "B.1"), b">gi|2|B.1| two\nTT\n");
        assert!(records_named(fasta, "C.1").is_empty());
    }
}
