//! What a single file of a database holds, item by item.

use std::path::Path;

use stroma_lsm::Encryption;
use stroma_strata::storage::{PACKED_MAGIC, PackedStorage};
use stroma_strata::{DumpLine, DumpSink, dump_manifest_blob, magic_of};

use crate::error::{Error, Result};

/// Tells what a table, a value file, a segment of the log, a blob of a manifest or a database in one file
/// holds; of a damaged one as much as can be read, of an encrypted one what its keys open. Takes no lock. The
/// layers of sequence indexes are not told.
///
/// # Errors
/// [`Error::UnknownFile`]; when the file cannot be read. Damage is an item.
pub fn dump_file(
    path: impl AsRef<Path>,
    encryption: Option<&Encryption>,
    sink: &mut DumpSink<'_>,
) -> Result<()> {
    let path = path.as_ref();
    let blob = crate::inspect::open(path)?;
    if &magic_of(&*blob)? == PACKED_MAGIC {
        match PackedStorage::open(blob) {
            Ok(storage) => {
                let line = |(name, bytes): (&str, u64)| {
                    DumpLine::new("blob").with("name", name.to_owned()).with("bytes", bytes)
                };
                let mut lines = storage.blobs().map(line);
                while lines.next().is_some_and(&mut *sink) {}
            }
            Err(error) => {
                sink(DumpLine::damage(0, error));
            }
        }
        return Ok(());
    }
    if dump_manifest_blob(&*blob, encryption, sink)? || stroma_lsm::dump_file(&blob, encryption, sink)? {
        return Ok(());
    }
    Err(Error::UnknownFile { file: path.display().to_string() })
}
