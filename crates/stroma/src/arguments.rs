//! The words of the command line: every subcommand, its options, its examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stromatolite::sequence::ColdLayers;

use crate::records::Format;

/// Where the database is when nobody says.
pub(crate) const DEFAULT_DATA: &str = "stroma-data";

/// The HTTP port of a server that was not told another.
const DEFAULT_HTTP: &str = "http://127.0.0.1:28017";

#[derive(Parser)]
#[command(
    name = "stroma",
    version,
    about = "Documents and sequences in one database",
    long_about = "Stromatolite keeps documents and sequences together: MongoDB's drivers and shell talk to it \
                  unchanged, and a k-mer index answers exactly which samples contain a sequence.",
    after_help = "Exit codes: 0 done; 1 an error, told on standard error; 2 the command's words are off; \
                  3 `check` found damage, or `repair` is done with losses.\n\nTo begin:\n  stroma quickstart",
    disable_help_subcommand = true,
    propagate_version = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The folder of the database, common to most commands.
#[derive(Args)]
pub(crate) struct Data {
    /// Folder of the database; made when it is missing, by the commands that write. Commands that read also take a
    /// file that `stroma compact --into` wrote
    #[arg(long = "data", value_name = "DIR", env = "STROMA_DATA", default_value = DEFAULT_DATA)]
    pub(crate) folder: PathBuf,
    /// File with the keys of an encrypted database: a line for each, its name, a space and 64 hexadecimal digits; the
    /// last one is for new files. A new database made with it is encrypted
    #[arg(long, value_name = "FILE", env = "STROMA_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a small real database and ask it three questions
    #[command(after_help = "Examples:\n  stroma quickstart\n  stroma quickstart --data /tmp/first-look")]
    Quickstart(Quickstart),
    /// Serve the database to MongoDB's drivers and shell
    #[command(after_help = "Examples:\n  stroma serve --data stroma-data --port 27017\n  \
                      stroma serve --read-only --port 27018\n  \
                      mongosh mongodb://127.0.0.1:27017/lab")]
    Serve(Serve),
    /// Load documents from JSON lines, CSV or TSV into a collection
    #[command(after_help = "Examples:\n  stroma import lab.samples examples/samples.tsv --id sample\n  \
                      cat events.jsonl | stroma import app.events - --format jsonl")]
    Import(Import),
    /// Write a collection out as JSON lines, CSV or TSV
    #[command(after_help = "Examples:\n  stroma export lab.samples --output samples.jsonl\n  \
                      stroma export lab.samples --format tsv --fields _id --filter '{\"year\":2003}'")]
    Export(Export),
    /// Add samples to sequence indexes, list them, remove them
    #[command(subcommand)]
    Index(Index),
    /// Find the samples that hold a sequence, exactly
    #[command(after_help = "Examples:\n  stroma search genomes examples/genes.fasta\n  \
                      stroma search genomes --sequence ATGAAAAAGATAAAAATTGTTCCACTTATTT --threshold 1\n  \
                      zcat examples/reads/*.gz | stroma search genomes - --format jsonl")]
    Search(Search),
    /// Show levels, layers, sizes and write amplification; for a file, what it is and whether it is whole; the memory
    /// of a running server
    #[command(
        after_help = "Examples:\n  stroma inspect\n  stroma inspect --json\n  stroma inspect --memory\n  \
                      stroma inspect stroma-data/sequences/genomes/layers/*"
    )]
    Inspect(Inspect),
    /// Merge all layers into as few as possible, or write everything into one file to be shipped and read
    #[command(after_help = "Examples:\n  stroma compact --data stroma-data\n  \
                      stroma compact --collection lab.samples\n  \
                      stroma compact --into samples.stroma\n  \
                      stroma export lab.samples --data samples.stroma")]
    Compact(Compact),
    /// Read every byte and verify every checksum; exit code 3 when something is damaged
    #[command(after_help = "Examples:\n  stroma check\n  stroma check --json")]
    Check(Check),
    /// Keep what is whole of a damaged database, and name what is not; the damaged one stays, as DIR.damaged. Exit code
    /// 3 when something was lost
    #[command(after_help = "Examples:\n  stroma repair\n  stroma repair --into rescued --json")]
    Repair(Repair),
    /// Print every entry of the documents' store, or of files of a database, damaged ones too
    #[command(after_help = "Examples:\n  stroma dump --limit 20\n  \
                      stroma dump stroma-data/documents/log/* --json")]
    Dump(Dump),
    /// Print the completions for a shell
    #[command(after_help = "Example:\n  stroma completions bash > /etc/bash_completion.d/stroma")]
    Completions {
        /// The shell to print them for
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct Quickstart {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Folder of the sample collection; the one shipped with the source when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) collection: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Port for MongoDB's drivers and shell; 0 picks a free one
    #[arg(long, default_value_t = 27017)]
    pub(crate) port: u16,
    /// Address to listen on; there are no accounts yet, so keep it on this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: std::net::IpAddr,
    /// Port for /metrics, /memory and /healthz; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 28017)]
    pub(crate) http_port: u16,
    /// Only answer questions, on the data as it is now; another server may have it open and go on writing
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Threads that run queries
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Collection to fill, as DATABASE.COLLECTION
    #[arg(value_name = "DATABASE.COLLECTION")]
    pub(crate) namespace: String,
    /// File to read; - is standard input
    pub(crate) file: PathBuf,
    /// Format of the file; told by its ending when not given
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Field that becomes the _id
    #[arg(long, value_name = "FIELD")]
    pub(crate) id: Option<String>,
    /// Keep every cell of a table as a string
    #[arg(long)]
    pub(crate) strings: bool,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Collection to read, as DATABASE.COLLECTION
    #[arg(value_name = "DATABASE.COLLECTION")]
    pub(crate) namespace: String,
    /// File to write; standard output when not given
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Format to write
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Columns of a table, dots reach into nested documents
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// Only the documents that match, in MongoDB's query language
    #[arg(long, value_name = "JSON")]
    pub(crate) filter: Option<String>,
    /// Name the type of every number in JSON lines, so that an import gives back exactly the same types; without it
    /// a small 64-bit integer comes back as a 32-bit one
    #[arg(long)]
    pub(crate) canonical: bool,
}

#[derive(Subcommand)]
pub(crate) enum Index {
    /// Add samples to an index, which is made when it is missing
    #[command(after_help = "Examples:\n  stroma index add genomes --samples examples/samples.tsv\n  \
                      stroma index add genomes --sample N315 examples/genomes/S_aureus_N315.fasta.zst\n  \
                      stroma index add reads --sample run7 examples/reads/*.fastq.gz --minimum-count 2\n  \
                      stroma index add genomes --each-file assemblies/*.fa.gz --threads 8 --memory 16G\n  \
                      stroma index add genes --each-record examples/genes.fasta -k 21")]
    Add(IndexAdd),
    /// Add samples whose k-mers KMC or Squeakr has counted
    #[command(after_help = "Examples:\n  stroma index import reads counted/*.kmc_pre\n  \
                      stroma index import reads counted/*.squeakr --minimum-count 3\n  \
                      stroma index import reads --sample run7 lane1.kmc_pre lane2.kmc_pre")]
    Import(IndexImport),
    /// Add all samples of indexes that were built in other databases, such as shards of one collection
    #[command(after_help = "Examples:\n  stroma index merge genomes shard-1 shard-2 shard-3\n  \
                      stroma index merge genomes shard-* --skip-existing\n\n\
                      Each shard is added wholly or not at all; a merge that failed goes on with --skip-existing.")]
    Merge(IndexMerge),
    /// List the indexes, or the samples of one
    #[command(after_help = "Examples:\n  stroma index list\n  stroma index list genomes")]
    List(IndexList),
    /// Remove a sample from an index, or a whole index
    #[command(
        after_help = "Examples:\n  stroma index remove genomes --sample N315\n  stroma index remove genomes --all"
    )]
    Remove(IndexRemove),
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["samples", "sample", "each_file", "each_record"]))]
pub(crate) struct IndexAdd {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the index
    pub(crate) index: String,
    /// Table with the columns `sample` and `paths` (several paths parted by commas, beginning at the table's folder)
    #[arg(long, value_name = "TSV")]
    pub(crate) samples: Option<PathBuf>,
    /// Name of the one sample whose files follow
    #[arg(long, value_name = "NAME", requires = "files")]
    pub(crate) sample: Option<String>,
    /// Make each of the files a sample, called as the file is without its endings
    #[arg(long, requires = "files")]
    pub(crate) each_file: bool,
    /// Make each record of the files a sample, called as the record is
    #[arg(long, requires = "files")]
    pub(crate) each_record: bool,
    /// FASTA or FASTQ files, plain, gzip, bzip2, xz or zstd; - is standard input
    #[arg(conflicts_with = "samples")]
    pub(crate) files: Vec<PathBuf>,
    /// What the files hold; told by the content when not given, and an error where the content is the other
    #[arg(long, value_enum)]
    pub(crate) format: Option<SequenceFormat>,
    /// Length of a k-mer, odd, 3 to 63; only for a new index (31 when not given)
    #[arg(long, short, value_parser = kmer_length)]
    pub(crate) k: Option<u8>,
    #[command(flatten)]
    pub(crate) adding: Adding,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args)]
pub(crate) struct IndexImport {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the index; a new one has the k of the first file
    pub(crate) index: String,
    /// Databases of KMC (their .kmc_pre files, beside which the .kmc_suf files lie) and exact files of Squeakr
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the one sample that the files are together; when not given each is a sample, called as the file is
    /// without its ending
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Option<String>,
    #[command(flatten)]
    pub(crate) adding: Adding,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args)]
pub(crate) struct IndexMerge {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the index, here and in the shards; made with the settings of the first when it is missing
    pub(crate) index: String,
    /// Folders of the databases whose samples to add; they stay as they are
    #[arg(required = true, value_name = "DIR")]
    pub(crate) shards: Vec<PathBuf>,
    /// Pass over samples that the index already holds instead of ending with an error
    #[arg(long)]
    pub(crate) skip_existing: bool,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

/// How samples are added, common to sequences and counts.
#[derive(Args)]
pub(crate) struct Adding {
    /// Keep how often each k-mer occurs in each sample, in steps of half an octave; only for a new index
    #[arg(long)]
    pub(crate) abundances: bool,
    /// Leave out k-mers seen fewer times than this in the sample; 2 drops most sequencing errors. The index keeps
    /// what it was made with (1 when not given) as the default for later samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) minimum_count: Option<u32>,
    /// Pass over samples that the index already holds instead of ending with an error
    #[arg(long)]
    pub(crate) skip_existing: bool,
}

/// What building and merging a sequence index may take, and make.
#[derive(Args)]
pub(crate) struct Resources {
    /// Threads that count, sort and merge; as many as the machine has processors when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    /// Most memory for k-mers, such as 500M or 8G; what does not fit is spilled to temporary files
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = byte_size)]
    pub(crate) memory: u64,
    /// Whether k-mers are kept as strings of their overlaps, which takes a third of the space
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) cold: ColdChoice,
}

#[derive(Args)]
pub(crate) struct IndexList {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Index whose samples to list
    pub(crate) index: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct IndexRemove {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the index
    pub(crate) index: String,
    /// Sample to remove
    #[arg(long, value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) sample: Option<String>,
    /// Remove the whole index
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the index
    pub(crate) index: String,
    /// FASTA or FASTQ file with the queries; - is standard input
    #[arg(required_unless_present = "sequence", conflicts_with = "sequence")]
    pub(crate) queries: Option<PathBuf>,
    /// One query, as letters
    #[arg(long, value_name = "BASES")]
    pub(crate) sequence: Option<String>,
    /// Share of the query's distinct k-mers that a sample must hold, 0 to 1
    #[arg(long, short, default_value_t = 0.8, value_parser = share, allow_negative_numbers = true)]
    pub(crate) threshold: f64,
    /// At most this many samples a query
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) top: Option<usize>,
    /// Tell where in the query the k-mers begin that a sample holds (TSV and JSON lines)
    #[arg(long)]
    pub(crate) positions: bool,
    /// Tell how often the k-mers found occur in a sample, on average; the index must keep abundances
    #[arg(long)]
    pub(crate) abundances: bool,
    /// Threads that search; as many as the machine has processors when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    /// How to print the answers; a table on a terminal, TSV when piped
    #[arg(long, value_enum)]
    pub(crate) format: Option<SearchFormat>,
}

/// What a sequence file holds.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SequenceFormat {
    /// Headers with `>` and sequences.
    Fasta,
    /// Four lines a record, with qualities.
    Fastq,
}

/// Which layers of a sequence index are made cold.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColdChoice {
    /// What is merged into the deepest level, from a million k-mers on.
    Auto,
    /// Whatever is merged.
    Always,
    /// Nothing.
    Never,
}

impl From<ColdChoice> for ColdLayers {
    fn from(choice: ColdChoice) -> Self {
        match choice {
            ColdChoice::Auto => ColdLayers::Automatic,
            ColdChoice::Always => ColdLayers::Always,
            ColdChoice::Never => ColdLayers::Never,
        }
    }
}

/// How a search's answers are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchFormat {
    /// A table to look at.
    Table,
    /// Tab-separated values, a line a hit.
    Tsv,
    /// JSON lines, one query a line.
    Jsonl,
    /// A Parquet file, the columns of the table; to be piped into a file.
    #[cfg(feature = "parquet")]
    Parquet,
}

#[derive(Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Files of a database to look into; the database itself when none is given
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Draw what the memory of a running server is used for, segment by segment; URL is its HTTP port
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = DEFAULT_HTTP, conflicts_with = "files")]
    pub(crate) memory: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Compact {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Encrypt everything with the last key of --key-file, what is not encrypted yet included, instead of merging
    #[arg(long, requires = "key_file")]
    pub(crate) rotate_keys: bool,
    /// Write everything, as it is now, into this file instead, which any command that reads takes as its --data; the
    /// database stays as it is, and a server may have it open
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "into")]
    pub(crate) replace: bool,
    /// Only what holds this collection, as DATABASE.COLLECTION
    #[arg(long, value_name = "DATABASE.COLLECTION", conflicts_with = "into")]
    pub(crate) collection: Option<String>,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Repair {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Write what is whole there, and leave the damaged database where it is
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Dump {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Tables, value files, logs, blobs of a manifest; the documents' store when none is given
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// At most this many items
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads the length of a k-mer.
fn kmer_length(text: &str) -> Result<u8, String> {
    match text.parse::<u8>() {
        Ok(k) if k % 2 == 1 && (3..=63).contains(&k) => Ok(k),
        Ok(k) if k % 2 == 0 => {
            Err("an even k lets a k-mer be its own reverse complement: choose an odd number from 3 to 63"
                .to_owned())
        }
        _ => Err("choose an odd number from 3 to 63".to_owned()),
    }
}

/// Reads a size in bytes: a number, perhaps with K, M, G or T behind it, which are powers of 1024.
fn byte_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let factor = match text[digits.len()..].to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B')
    {
        "" => Some(1),
        "K" => Some(1 << 10),
        "M" => Some(1 << 20),
        "G" => Some(1 << 30),
        "T" => Some(1_u64 << 40),
        _ => None,
    };
    let size = digits.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    size.filter(|&size| size > 0).ok_or_else(|| "choose a size such as 500M or 8G".to_owned())
}

/// Reads a share.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("choose a share from 0 to 1, such as 0.8".to_owned()),
    }
}

/// Reads a count that cannot be 0.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("choose a whole number from 1 on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Arguments;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn impossible_values_are_refused_before_anything_is_opened() {
        for words in [
            "index add g --sample s f.fa --k 4",
            "index add g --sample s f.fa --k 65",
            "index add g --sample s f.fa --memory 0",
            "index add g --sample s f.fa --memory 3X",
            "index add g --sample s f.fa --threads 0",
            "index add g --each-file",
            "index add g --each-file --each-record f.fa",
            "index add g --samples t.tsv --each-file",
            "index add g --sample s f.fa --minimum-count 0",
            "index add g f.fa",
            "index import g",
            "index merge g",
            "index add g --samples t.tsv --sample s f.fa",
            "search g --sequence ACGT -t 1.5",
            "search g --sequence ACGT -t -0.1",
            "search g --sequence ACGT -t NaN",
            "search g --sequence ACGT --top 0",
            "serve --threads 0",
            "inspect --memory http://a b",
        ] {
            assert!(Arguments::try_parse_from(format!("stroma {words}").split(' ')).is_err(), "{words}");
        }
        for words in [
            "index add g --sample s f.fa -k 21",
            "index add g --sample s f.fa -k 63 --memory 500MiB --threads 3 --abundances",
            "index add g --each-file a.fa b.fa --memory 8G",
            "index add g --each-record a.fa --memory 1000000",
            "index import g a.kmc_pre b.squeakr --minimum-count 2 --memory 1G",
            "index merge g a b --skip-existing --threads 2",
            "search g --sequence ACGT --positions --abundances --threads 2",
            "search g --sequence ACGT -t 0",
            "inspect a b",
            "inspect --memory",
        ] {
            assert!(Arguments::try_parse_from(format!("stroma {words}").split(' ')).is_ok(), "{words}");
        }
    }
}
