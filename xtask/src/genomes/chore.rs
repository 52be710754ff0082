//! Fetches the packages, and writes each genome as one FASTA file, verified.

use std::fs;
use std::path::{Path, PathBuf};

use super::list::{Genome, genomes, packages};
use crate::chore::{Failure, Outcome, project_root};
use crate::packages::{decompressed, documents, sha256, unpack};

/// Where the genomes go when no folder is named, below the project's root.
const FOLDER: &str = "target/genomes";

/// Fetches what is not there yet: a second run finds everything and downloads nothing.
pub(crate) fn run(folder: Option<&str>) -> Outcome {
    let folder = folder.map_or_else(|| project_root().join(FOLDER), PathBuf::from);
    let all = genomes()?;
    fetch(&folder, &all)?;
    write_table(&folder, &all)?;
    println!("{} genomes in {}, all checksums right", all.len(), folder.display());
    Ok(())
}

/// The FASTA file of one genome, fetched if it is not there.
pub(crate) fn fetch_one(sample: &str) -> Outcome<PathBuf> {
    let folder = project_root().join(FOLDER);
    let all = genomes()?;
    let genome = all.iter().find(|genome| genome.sample == sample);
    let genome = genome.ok_or_else(|| Failure(format!("the list has no genome `{sample}`")))?;
    fetch(&folder, &[*genome])?;
    Ok(path_of(&folder, genome))
}

fn fetch(folder: &Path, genomes: &[Genome<'_>]) -> Outcome {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let mut missing = Vec::new();
    for genome in genomes {
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

/// Writes the FASTA of a genome and verifies it.
fn write(genome: &Genome<'_>, packed: &Path, folder: &Path) -> Outcome {
    let source = documents(packed, genome.package).join(genome.file);
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
