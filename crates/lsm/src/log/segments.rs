//! The segments of the log in a storage: their names, their listing, and which may go.

use stroma_strata::storage::{LogStorage, StorageError};

/// The folder of all segments.
const FOLDER: &str = "log";

/// The name of segment `log_number`: `log/` and twenty digits.
pub(crate) fn segment_name(log_number: u64) -> String {
    format!("{FOLDER}/{log_number:020}")
}

/// The numbers of the segments in the storage, ascending. Names that are not ours are passed over.
pub(crate) fn list_segments(storage: &dyn LogStorage) -> Result<Vec<u64>, StorageError> {
    let mut numbers: Vec<u64> =
        storage.list_logs(FOLDER)?.iter().filter_map(|entry| parse_name(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.rsplit('/').next()?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Deletes every segment numbered below `first_kept`; answers how many.
pub(crate) fn delete_segments_before(
    storage: &dyn LogStorage,
    first_kept: u64,
) -> Result<usize, StorageError> {
    let obsolete: Vec<u64> =
        list_segments(storage)?.into_iter().filter(|number| *number < first_kept).collect();
    for number in &obsolete {
        storage.delete_log(&segment_name(*number))?;
    }
    Ok(obsolete.len())
}

/// Deletes segment `log_number`; when this returns, no loss of power brings it back.
pub(super) fn delete_for_good(storage: &dyn LogStorage, log_number: u64) -> Result<(), StorageError> {
    storage.delete_log(&segment_name(log_number))?;
    storage.sync_names(FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_segments() {
        assert_eq!(parse_name(&segment_name(42)), Some(42));
        assert_eq!(parse_name("log/42"), None);
        assert_eq!(parse_name("log/0000000000000000004x"), None);
        assert_eq!(parse_name("log/99999999999999999999"), None);
    }
}
