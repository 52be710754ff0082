//! Counts the k-mers of reads with KMC and with our build, and compares the two k-mer by k-mer: simulated reads of
//! one of the genomes, and real ones out of Debian's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::chore::{self, Failure, Outcome, cargo, project_root};
use crate::genomes;
use crate::packages::{decompressed, documents, sha256, unpack};

/// Where reads and counts go, below the project's root.
const FOLDER: &str = "target/reads";

/// The genome that reads are simulated of.
const GENOME: &str = "H_pylori_G27";

/// k-mers that occur less often are left out.
const MINIMUM_COUNT: &str = "2";

/// Programs that must be there, each with its package.
const PROGRAMS: [(&str, &str); 4] = [
    ("kmc", "kmc"),
    ("kmc_dump", "kmc"),
    ("wgsim", "samtools"),
    ("art_illumina", "art-nextgen-simulation-tools"),
];

/// Reads out of a package: (set, package, file, member of an archive, SHA-256 of the reads).
const REAL: [(&str, &str, &str, Option<&str>, &str); 2] = [
    (
        "SRR059298",
        "gasic-examples",
        "gasic/examples/reads/SRR059298_subset.fastq.gz",
        None,
        "b88afa2a89e2cb81aed8f8b84c029730979186a8283a179c2677e823e82219ce",
    ),
    (
        "pacbio_E_coli",
        "wtdbg2-examples",
        "wtdbg2-examples/selfSampleData.tar.gz",
        Some("selfSampleData/pacbio_filtered.fastq"),
        "93970159a3d8232966a352c645b09e0b5a85e70d44dc69b7278d87791773685a",
    ),
];

/// A set of reads and the lengths of k-mers that are compared.
struct Set {
    name: &'static str,
    files: Vec<PathBuf>,
    ks: &'static [&'static str],
}

pub(crate) fn run() -> Outcome {
    if let Some((program, package)) = PROGRAMS.iter().find(|(program, _)| !is_installed(program)) {
        println!("skipped: there is no `{program}`; install Debian's package {package}");
        return Ok(());
    }
    let folder = project_root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut sets = simulated(&folder)?;
    for real in REAL {
        sets.push(Set { name: real.0, files: vec![fetched(&folder, real)?], ks: &["23", "31"] });
    }
    let build = ["build", "--release", "--package", "stroma-sequence", "--example", "reads"];
    chore::run("build the comparison", &mut cargo(&build))?;
    for set in &sets {
        for k in set.ks {
            compare(&folder, set, k)?;
        }
    }
    println!("\nour k-mers are KMC's in {} sets of reads", sets.len());
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new("which");
    command.arg(program).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Reads of a genome as two simulators make them, seeded.
fn simulated(folder: &Path) -> Outcome<Vec<Set>> {
    let genome = genomes::fetch_one(GENOME)?;
    let pair = |stem: &str| -> Vec<PathBuf> { [1, 2].map(|n| folder.join(format!("{stem}{n}.fq"))).into() };
    let wgsim = pair("wgsim");
    if !wgsim.iter().all(|file| file.is_file()) {
        let mut command = Command::new("wgsim");
        command.args(["-S", "11", "-N", "150000", "-1", "100", "-2", "100", "-e", "0.02"]).arg(&genome);
        chore::run("simulate reads with wgsim", command.args(&wgsim).stdout(Stdio::null()))?;
    }
    let art = pair("art");
    if !art.iter().all(|file| file.is_file()) {
        let mut command = Command::new("art_illumina");
        let words =
            ["-ss", "HS25", "-rs", "11", "-na", "-p", "-l", "150", "-f", "20", "-m", "300", "-s", "30"];
        command.args(words).arg("-i").arg(&genome).arg("-o").arg(folder.join("art"));
        chore::run("simulate reads with art_illumina", command.stdout(Stdio::null()))?;
    }
    let sets = [
        Set { name: "wgsim", files: wgsim, ks: &["23", "31", "55"] },
        Set { name: "art_illumina", files: art, ks: &["23", "31"] },
    ];
    Ok(sets.into())
}

/// The reads out of a package, verified, fetched if they are not there.
fn fetched(
    folder: &Path,
    (name, package, file, member, expected): (&str, &str, &str, Option<&str>, &str),
) -> Outcome<PathBuf> {
    let path = folder.join(format!("{name}.fastq"));
    if !path.is_file() {
        let packed = folder.join("packages");
        fs::create_dir_all(&packed)?;
        unpack(package, &packed)?;
        fs::write(&path, decompressed(&documents(&packed, package).join(file), member)?)?;
        fs::remove_dir_all(&packed)?;
    }
    let found = sha256(&path)?;
    if found == expected {
        return Ok(path);
    }
    fs::remove_file(&path)?;
    Err(Failure(format!(
        "{file} of {package} has SHA-256 {found}, not {expected}: this version has other reads"
    )))
}

/// Counts with KMC, lists what it counted, and compares ours with it.
fn compare(folder: &Path, set: &Set, k: &str) -> Outcome {
    let (database, list, work) = (folder.join("counts"), folder.join("list.txt"), folder.join("work"));
    fs::create_dir_all(&work)?;
    let names = folder.join("files.txt");
    let lines = set.files.iter().map(|file| format!("{}\n", file.display()));
    fs::write(&names, lines.collect::<String>())?;
    let mut count = Command::new("kmc");
    count.args([&format!("-k{k}"), &format!("-ci{MINIMUM_COUNT}"), "-cs1000000000", "-m3", "-t2", "-fq"]);
    count.arg(format!("@{}", names.display())).arg(&database).arg(&work);
    chore::run(&format!("{}, k = {k}: KMC counts", set.name), count.stdout(Stdio::null()))?;
    let mut dump = Command::new("kmc_dump");
    chore::run("list", dump.arg(&database).arg(&list).stdout(Stdio::null()))?;
    let mut ours = Command::new(project_root().join("target/release/examples/reads"));
    ours.args([k, MINIMUM_COUNT]).arg(database.with_extension("kmc_pre")).arg(&list).args(&set.files);
    chore::run(&format!("{}, k = {k}: ours", set.name), &mut ours)?;
    for file in [list, database.with_extension("kmc_pre"), database.with_extension("kmc_suf")] {
        fs::remove_file(file)?;
    }
    Ok(())
}
