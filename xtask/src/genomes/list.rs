//! The genomes: from which file of which Debian package each comes, and the checksum of what must come out.

use crate::chore::{Failure, Outcome};

/// One line a genome, under a header.
const LIST: &str = include_str!("list.tsv");

/// A genome and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Genome<'a> {
    pub(super) sample: &'a str,
    /// The Debian package.
    pub(super) package: &'a str,
    /// The file in the package, below `/usr/share/doc`.
    pub(super) file: &'a str,
    /// The member, where the file is an archive.
    pub(super) member: Option<&'a str>,
    /// What the header of its record holds, where the file has several genomes.
    pub(super) accession: Option<&'a str>,
    /// SHA-256 of the FASTA, as in the package but decompressed.
    pub(super) sha256: &'a str,
}

/// All genomes.
pub(super) fn genomes() -> Outcome<Vec<Genome<'static>>> {
    LIST.lines().skip(1).map(genome).collect()
}

fn genome(line: &str) -> Outcome<Genome<'_>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[sample, package, file, member, accession, sha256] = fields.as_slice() else {
        return Err(Failure(format!("the list of genomes has a line that is none: {line}")));
    };
    let optional = |field| Some(field).filter(|field| *field != "-");
    Ok(Genome { sample, package, file, member: optional(member), accession: optional(accession), sha256 })
}

/// The packages, each once.
pub(super) fn packages<'a>(genomes: &[Genome<'a>]) -> Vec<&'a str> {
    let mut packages: Vec<&str> = genomes.iter().map(|genome| genome.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_34_different_genomes_in_seven_packages() {
        let genomes = genomes().unwrap();
        assert_eq!(genomes.len(), 34);
        assert_eq!(packages(&genomes).len(), 7);
        let mut checksums: Vec<&str> = genomes.iter().map(|genome| genome.sha256).collect();
        checksums.sort_unstable();
        checksums.dedup();
        assert_eq!(checksums.len(), 34);
        assert!(genome("one\ttwo").is_err());
    }
}
