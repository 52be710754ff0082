//! Copies of a database in use: checkpoints, and backups that copy only what is new.
//!
//! Tables and value files never change, so a copy of the database is a list of them and the files by name. A
//! checkpoint shares the files with the database (hard links) and is a database itself; a backup copies them to a
//! storage where all backups of the database share what they have in common.

mod archive;
mod checkpoint;
mod files;
mod moment;

pub use archive::{BackupInfo, BackupReport, Backups};
pub use checkpoint::CheckpointReport;
pub(crate) use files::check_empty;
pub(crate) use moment::Moment;
