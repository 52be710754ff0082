//! An ordered, transactional key-value engine on layers.
//!
//! A [`Database`] holds named [`Keyspace`]s: ordered maps from byte strings to byte strings. Changes are committed
//! one by one, in a [`Batch`], or in a serializable [`Transaction`]; a [`Snapshot`] and every [`Range`] see one
//! moment and never wait for writers.
//!
//! ```
//! use stroma_lsm::{Database, Durability, Error, Options};
//!
//! # let folder = tempfile::tempdir().expect("a temporary directory");
//! # let path = folder.path();
//! let database = Database::open(path, Options::default())?;
//! let stock = database.keyspace("stock")?;
//! stock.put("apples", "12")?;
//! stock.put("pears", "7")?;
//! assert_eq!(stock.get("apples")?.as_deref(), Some(b"12".as_slice()));
//!
//! // Together or not at all, and safe from a loss of power once it is acknowledged.
//! let mut batch = database.batch();
//! batch.put(&stock, "plums", "3").delete(&stock, "pears");
//! batch.commit_with(Durability::Synced)?;
//!
//! // What a snapshot sees does not change.
//! let before = database.snapshot();
//! stock.delete_range("a".."b")?;
//! assert!(before.get(&stock, "apples")?.is_some());
//! assert!(stock.get("apples")?.is_none());
//!
//! // Ranges go both ways.
//! let keys: Result<Vec<_>, Error> = before.range(&stock, "a".."z").rev().map(|entry| Ok(entry?.0)).collect();
//! assert_eq!(keys?, [b"plums".to_vec(), b"apples".to_vec()]);
//!
//! // A transaction is refused if something it read was changed meanwhile; run it again then.
//! loop {
//!     let mut transaction = database.transaction();
//!     let plums = transaction.get(&stock, "plums")?.map_or(0, |count| count.len());
//!     transaction.put(&stock, "plums", vec![b'*'; plums + 1])?;
//!     match transaction.commit() {
//!         Ok(_) => break,
//!         Err(Error::Conflict { .. }) => continue,
//!         Err(other) => return Err(other),
//!     }
//! }
//! database.close()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # How it works
//! A commit goes to the end of the write-ahead log, one write and at most one sync for everyone who commits at the
//! same time, and into a *memtable*: entries in log-structured memory (`stroma-logmem`) under a B+-tree that
//! readers walk without a lock. A full memtable is sealed and flushed to a *table*, a sorted file with a hybrid
//! index (`stroma-hybrid`) and a filter; or, if much of it was overwritten while it was filled, it goes into the
//! *resident layer*, which keeps what is being overwritten in memory and off the disk
//! ([`Options::memory_cleaning`]). Tables are merged in the background by `stroma-strata`, which also keeps
//! the list of them.
//!
//! | to learn about | read |
//! |---|---|
//! | the log: bytes, group commit, recovery | `log`, `commit`, `docs/formats/write-ahead-log.md` |
//! | the memtable and its tree | `memtable` |
//! | what stays in memory, and how that is cleaned | `resident`, `flush` |
//! | tables, blocks, filters | `table`, `block`, `filter`, `docs/formats/table.md` |
//! | blocks kept in memory, and the budget they share | `block_cache`, `memory_map` |
//! | large values, streams, and how their files go | `values`, `docs/formats/value-file.md` |
//! | what merges drop | `compaction` |
//! | sorted entries in bulk, past log and memory | `ingestion` |
//! | walking over many sources at once | `merging`, `read` |
//! | merge operators, time to live, compaction filters | `rules`, `read`, `compaction` |
//! | checkpoints, backups, a database in one file | `backup`, `sealed`, `docs/formats/single-file.md` |
//! | what is left of a damaged database, what files hold | `repair`, `dump` |
//! | transactions, snapshots, keyspaces | `transaction`, `snapshot`, `keyspace` |
//! | opening and recovery | `database`, `memtable` |
//! | encryption at rest, and the change of keys | `encryption`, [`stroma_strata::encryption`] |
//!
//! # Limits
//! Keys are up to 65,535 bytes, values of any length, a batch (but for streamed values) up to a quarter of
//! [`Options::memory_bytes`]. One process opens a database to write at a time, any number to read
//! ([`Database::open_read_only`]). After a failed write or sync of the log
//! nothing more is accepted until the database is opened again ([`Error::Poisoned`]); reads go on. A full disk is
//! no such failure: commits are refused while it lasts, and go on after it. A transaction may write any amount: what
//! is more than [`Options::transaction_bytes`] lies in scratch files until it ends. That, its range deletes and the
//! list of what it has read take memory beside the budget.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod backup;
mod block;
mod block_cache;
mod check;
mod coding;
mod commit;
mod compaction;
mod crew;
mod cursor;
mod database;
mod description;
mod dump;
mod encryption;
mod entry;
mod error;
mod filter;
mod flush;
mod ingestion;
mod keyspace;
mod layers;
mod log;
mod memory_map;
mod memtable;
mod merging;
mod options;
mod read;
mod repair;
mod resident;
mod rules;
mod sealed;
mod snapshot;
mod statistics;
mod table;
mod tombstones;
mod transaction;
mod value;
mod values;

pub use backup::{BackupInfo, BackupReport, Backups, CheckpointReport};
pub use block::{Compression, LevelCompression};
pub use block_cache::BlockCacheStatistics;
pub use check::CheckReport;
pub use commit::{Batch, CommitToken};
pub use database::{Database, RecoveryReport};
pub use description::{describe_file, describe_file_with};
pub use dump::dump_file;
pub use encryption::{KeyUse, KeyUses};
pub use entry::Sequence;
pub use error::Error;
pub use filter::FilterPolicy;
pub use ingestion::Ingestion;
pub use keyspace::{Keyspace, KeyspaceDescription};
pub use log::LogCut;
pub use memory_map::{MemoryMap, MemoryPart, SegmentOwner, SegmentStatistics};
pub use options::{Durability, Options, RecoveryMode};
pub use read::{LentEntry, Range, RangeEstimate};
pub use repair::{LostLog, LostPart, LostTable, LostValue, RenamedKeyspace, RepairReport};
pub use rules::{Candidate, CompactionFilter, Decision, KeyspaceOptions, MergeError, MergeOperator};
pub use sealed::ExportReport;
pub use snapshot::Snapshot;
pub use statistics::{JobStatistics, LevelStatistics, Statistics};
pub use stroma_strata::Upkeep;
pub use stroma_strata::encryption::{
    CipherAlgorithm, DataKey, Encryption, EncryptionError, KeyError, KeyFile, KeyProvider, StaticKeys,
};
pub use stroma_strata::storage::IfExists;
pub use table::{CompressedBlocks, IndexKind, IndexPolicy, TableDescription};
pub use transaction::{Savepoint, Transaction};
pub use value::Value;
pub use values::ValueReader;
